import { identityOf } from './identity.js'

/**
 * Directories that are scanned, but for which the kernel has no watch left (fs.inotify.max_user_watches). No event tells when
 * one of them is replaced by another under the same path, so each is known by device and inode.
 */
export class UnwatchedDirectories {
  readonly #identities = new Map<string, string>()
  readonly #paths = new Map<string, string>()

  get paths(): readonly string[] {
    return [...this.#identities.keys()]
  }

  has(path: string): boolean {
    return this.#identities.has(path)
  }

  /** @returns `elsewhere`: it is known under another path already; `none`: there is no such directory */
  add(path: string): 'added' | 'elsewhere' | 'none' {
    const identity = identityOf(path)
    if (identity === undefined) return 'none'
    const before = this.#paths.get(identity)
    if (before !== undefined && before !== path) return 'elsewhere'
    this.delete(path)
    this.#identities.set(path, identity)
    this.#paths.set(identity, path)
    return 'added'
  }

  /** @returns whether there was such a directory */
  delete(path: string): boolean {
    const identity = this.#identities.get(path)
    if (identity === undefined) return false
    this.#paths.delete(identity)
    return this.#identities.delete(path)
  }

  /** Whether a path still leads to the directory that was added under it. */
  isSame(path: string): boolean {
    return this.has(path) && identityOf(path) === this.#identities.get(path)
  }

  clear(): void {
    this.#identities.clear()
    this.#paths.clear()
  }
}
