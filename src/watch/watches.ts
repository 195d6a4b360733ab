import { InotifyBatch, Inotify } from 'inotify'

import { TablesnapError, errorMessage } from '../errors.js'

import type { FileEvent } from './listener.js'

const { IN_CREATE, IN_CLOSE_WRITE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF } =
  Inotify
const { IN_ONLYDIR, IN_EXCL_UNLINK } = Inotify

/** No reads and no modifications: a narrow mask keeps the kernel's queue for events that matter. */
const MASK =
  IN_CREATE |
  IN_CLOSE_WRITE |
  IN_MOVED_TO |
  IN_MOVED_FROM |
  IN_DELETE |
  IN_DELETE_SELF |
  IN_MOVE_SELF |
  IN_ONLYDIR |
  IN_EXCL_UNLINK

/**
 * An event as the kernel told it.
 * @param path of the watched directory
 * @param mask IN_* bits
 * @param name of the entry in it; undefined: the directory itself
 * @param isBroken whether the name is not UTF-8
 */
export type OnEvent = (path: string, mask: number, name: string | undefined, isBroken: boolean) => void

/** The kernel's watches on directories: which path each one stands for. */
export class Watches {
  readonly #inotify: InotifyBatch
  readonly #paths = new Map<number, string>()
  readonly #watches = new Map<string, number>()
  #isClosed = false

  /**
   * @param onOverflow the kernel's queue was full: events were lost
   * @throws TablesnapError `WATCH_LIMIT` when the user's inotify instances are used up
   */
  constructor(onEvent: OnEvent, onOverflow: () => void) {
    try {
      this.#inotify = new InotifyBatch({
        event: (watch, mask, _cookie, name, bytes) => {
          const path = this.#paths.get(watch)
          if (mask & Inotify.IN_Q_OVERFLOW) onOverflow()
          else if (path !== undefined) onEvent(path, mask, name, bytes !== undefined)
        },
      })
    } catch (cause) {
      const message = errorMessage(cause)
      throw new TablesnapError({ code: 'WATCH_LIMIT', message, step: { operation: 'watch' }, cause })
    }
  }

  get size(): number {
    return this.#watches.size
  }

  get paths(): string[] {
    return [...this.#watches.keys()]
  }

  has(path: string): boolean {
    return this.#watches.has(path)
  }

  /** Delivers the events that the kernel has queued. @returns whether all that had happened before the call is delivered; true when closed */
  poll(): boolean {
    return this.#isClosed || this.#inotify.poll()
  }

  /**
   * Watches a directory, symbolic links followed.
   * @returns false when it is watched under another path already, by a symbolic link or a bind mount: the first one names its files
   * @throws InotifyError
   */
  add(path: string): boolean {
    const watch = this.#inotify.add(path, MASK)
    const before = this.#paths.get(watch)
    if (before !== undefined && before !== path && this.#watches.get(before) === watch) return false
    if (this.#watches.get(path) !== watch) this.remove(path)
    this.#paths.set(watch, path)
    this.#watches.set(path, watch)
    return true
  }

  /** Whether a path still leads to the directory that is watched under it. @throws InotifyError */
  isSame(path: string): boolean {
    const watch = this.#watches.get(path)
    // The kernel gives a directory that is watched the number that it has.
    return watch !== undefined && this.#inotify.add(path, MASK) === watch
  }

  /** Ends the watch on a directory. @returns whether there was one */
  remove(path: string): boolean {
    const watch = this.#watches.get(path)
    if (watch === undefined) return false
    this.#paths.delete(watch)
    this.#watches.delete(path)
    try {
      this.#inotify.remove(watch)
    } catch {
      // The kernel ended it already.
    }
    return true
  }

  close(): void {
    this.#isClosed = true
    this.#inotify.close()
    this.#paths.clear()
    this.#watches.clear()
  }
}

/** The event of a file that an inotify mask stands for. */
export function eventOf(mask: number): FileEvent {
  if (mask & IN_MOVED_TO) return 'moved-in'
  if (mask & IN_CLOSE_WRITE) return 'closed'
  return mask & IN_CREATE ? 'created' : 'gone'
}
