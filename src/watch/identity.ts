import { pathStatus } from 'tablesnap-io'

/** Tells a directory from another under the same path: device and inode; undefined: there is no directory. */
export function identityOf(path: string): string | undefined {
  try {
    const status = pathStatus(path)
    return status?.kind === 'directory' ? `${status.device}:${status.inode}` : undefined
  } catch {
    return undefined
  }
}

export function isLink(path: string): boolean {
  try {
    return pathStatus(path, false)?.kind === 'link'
  } catch {
    return false
  }
}

/** Whether a path is a symbolic link to a directory. */
export function isLinkToDirectory(path: string): boolean {
  return isLink(path) && identityOf(path) !== undefined
}
