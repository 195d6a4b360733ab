import { errorCode } from '../errors.js'

import { UnwatchedDirectories } from './unwatched.js'
import { Watches, type OnEvent } from './watches.js'

/**
 * The directories that are followed: those with an inotify watch, those for which the kernel has none left, and those whose file
 * system is not mounted now.
 */
export class KnownDirectories {
  readonly #watches: Watches
  readonly #unwatched = new UnwatchedDirectories()
  readonly #hidden = new Set<string>()

  /** @throws TablesnapError `WATCH_LIMIT` */
  constructor(onEvent: OnEvent, onOverflow: () => void) {
    this.#watches = new Watches(onEvent, onOverflow)
  }

  /** How many have an inotify watch. */
  get size(): number {
    return this.#watches.size
  }

  /** All that can be scanned now. */
  get paths(): string[] {
    return [...this.#watches.paths, ...this.#unwatched.paths]
  }

  /** The directories for which the kernel has no watch left. */
  get unwatched(): readonly string[] {
    return this.#unwatched.paths
  }

  /** Whether a directory is known, and can be scanned now. */
  has(path: string): boolean {
    return this.#watches.has(path) || this.#unwatched.has(path)
  }

  isUnwatched(path: string): boolean {
    return this.#unwatched.has(path)
  }

  isHidden(path: string): boolean {
    return this.#hidden.has(path)
  }

  /** Delivers the events that the kernel has queued. @returns whether all that had happened before the call is delivered */
  poll(): boolean {
    return this.#watches.poll()
  }

  /**
   * Watches a directory, or does without where the kernel has no watch left.
   * @returns false: it is known under another path
   * @throws InotifyError
   */
  add(path: string): boolean {
    try {
      const isFirst = this.#watches.add(path)
      this.#unwatched.delete(path)
      return isFirst
    } catch (error) {
      const added = errorCode(error) === 'ENOSPC' ? this.#unwatched.add(path) : 'none'
      if (added === 'none') throw error
      return added === 'added'
    }
  }

  /** Whether a path leads to the directory that is known under it. @throws InotifyError */
  isSame(path: string): boolean {
    return this.#unwatched.has(path) ? this.#unwatched.isSame(path) : this.#watches.isSame(path)
  }

  /** The directories at a path and below it that can be scanned now. */
  below(path: string): string[] {
    return this.paths.filter(directory => directory === path || directory.startsWith(`${path}/`))
  }

  /** @returns whether it was known */
  delete(path: string): boolean {
    const wasWatched = this.#watches.remove(path)
    return this.#unwatched.delete(path) || wasWatched
  }

  /** The file system of a directory is not mounted now. */
  hide(path: string): void {
    this.delete(path)
    this.#hidden.add(path)
  }

  /** Takes out the hidden directories at a path and below. */
  takeHidden(path: string): string[] {
    const below = [...this.#hidden].filter(one => one === path || one.startsWith(`${path}/`))
    for (const directory of below) this.#hidden.delete(directory)
    return below
  }

  close(): void {
    this.#watches.close()
    this.#unwatched.clear()
    this.#hidden.clear()
  }
}
