import { lstatSync, statSync } from 'node:fs'

/** Tells a directory from another under the same path: device and inode; undefined: there is no directory. */
export function identityOf(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stat?.isDirectory() === true ? `${stat.dev}:${stat.ino}` : undefined
  } catch {
    return undefined
  }
}

export function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
  } catch {
    return false
  }
}

/** Whether a path is a symbolic link to a directory. */
export function isLinkToDirectory(path: string): boolean {
  return isLink(path) && identityOf(path) !== undefined
}
