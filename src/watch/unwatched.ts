import { statSync } from 'node:fs'

/**
 * Directories that are scanned, but for which the kernel has no watch left (fs.inotify.max_user_watches). No event tells when
 * one of them is replaced by another under the same path, so each is known by device and inode.
 */
export class UnwatchedDirectories {
  readonly #identities = new Map<string, string>()

  get paths(): readonly string[] {
    return [...this.#identities.keys()]
  }

  has(path: string): boolean {
    return this.#identities.has(path)
  }

  /** @returns whether there is such a directory */
  add(path: string): boolean {
    const identity = identityOf(path)
    if (identity !== undefined) this.#identities.set(path, identity)
    return identity !== undefined
  }

  delete(path: string): void {
    this.#identities.delete(path)
  }

  /** Whether a path still leads to the directory that was added under it. */
  isSame(path: string): boolean {
    return this.has(path) && identityOf(path) === this.#identities.get(path)
  }

  clear(): void {
    this.#identities.clear()
  }
}

/** What tells a directory from another under the same path; undefined: there is none. */
function identityOf(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stat?.isDirectory() === true ? `${stat.dev}:${stat.ino}` : undefined
  } catch {
    return undefined
  }
}
