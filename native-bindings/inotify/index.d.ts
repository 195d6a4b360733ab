/**
 * Linux inotify for Node: node-inotify's interface (`Inotify`), and a reader for many events (`InotifyBatch`).
 *
 * What holds for both: an instance belongs to the thread that made it (main thread or worker) and is closed with it; until it
 * is closed it stays alive, referenced or not. Its descriptor is close-on-exec. Kernel failures throw an Error as node:fs
 * makes it (`InotifyError`). What a callback throws becomes an uncaughtException of the thread, and later events still arrive.
 * Watches may be added and removed, and the instance closed, from within a callback.
 */

/** The package's version. */
export const version: string

/** A failed system call. ENOSPC (inotify_add_watch) and EMFILE (inotify_init1) name in their message the sysctl that limits, its present value, and how to raise it. */
export interface InotifyError extends Error {
  /** as `ENOENT`, `ENOSPC`, `EMFILE` */
  code: string
  /** negative, as in node:fs */
  errno: number
  syscall: 'inotify_init1' | 'inotify_add_watch' | 'inotify_rm_watch' | 'read'
  /** of inotify_add_watch */
  path?: string
}

/** The constants of inotify(7); numbers as in linux/inotify.h. */
export interface Constants {
  /** a file was read */
  readonly IN_ACCESS: number
  /** a file was written or truncated */
  readonly IN_MODIFY: number
  /** metadata changed: permissions, times, extended attributes, link count, owner */
  readonly IN_ATTRIB: number
  /** a file opened for writing was closed */
  readonly IN_CLOSE_WRITE: number
  /** a file or directory not opened for writing was closed */
  readonly IN_CLOSE_NOWRITE: number
  /** IN_CLOSE_WRITE | IN_CLOSE_NOWRITE */
  readonly IN_CLOSE: number
  /** a file or directory was opened */
  readonly IN_OPEN: number
  /** something was moved out of the watched directory; `cookie` pairs it with IN_MOVED_TO */
  readonly IN_MOVED_FROM: number
  /** something was moved into the watched directory */
  readonly IN_MOVED_TO: number
  /** IN_MOVED_FROM | IN_MOVED_TO */
  readonly IN_MOVE: number
  /** something was made in the watched directory (also link, symlink, bind) */
  readonly IN_CREATE: number
  /** something was deleted from the watched directory */
  readonly IN_DELETE: number
  /** the watched object itself was deleted; IN_IGNORED follows */
  readonly IN_DELETE_SELF: number
  /** the watched object itself was moved; the watch goes with it */
  readonly IN_MOVE_SELF: number
  /** every event above */
  readonly IN_ALL_EVENTS: number
  /** in events: the file system was unmounted; IN_IGNORED follows */
  readonly IN_UNMOUNT: number
  /** in events: the kernel's queue was full and events were lost (watch is -1) */
  readonly IN_Q_OVERFLOW: number
  /** in events: the watch is gone, by removal, deletion, unmounting or IN_ONESHOT */
  readonly IN_IGNORED: number
  /** when adding: only if the path is a directory, else ENOTDIR */
  readonly IN_ONLYDIR: number
  /** when adding: do not follow a symbolic link */
  readonly IN_DONT_FOLLOW: number
  /** when adding: no events for children that were unlinked from the directory but are still open */
  readonly IN_EXCL_UNLINK: number
  /** when adding: EEXIST if the object is watched already (Linux 4.18) */
  readonly IN_MASK_CREATE: number
  /** when adding: add to the mask of an object that is watched already, do not replace it */
  readonly IN_MASK_ADD: number
  /** in events: the subject is a directory */
  readonly IN_ISDIR: number
  /** when adding: one event, then the watch is removed */
  readonly IN_ONESHOT: number
}

/** The constants, frozen; `Inotify` carries them too. */
export const constants: Constants

/** What a callback of `Inotify` receives. */
export interface InotifyEvent {
  /** the number that addWatch returned; -1 with IN_Q_OVERFLOW */
  watch: number
  /** IN_* bits, unsigned */
  mask: number
  /** the same, non-zero, in the IN_MOVED_FROM and IN_MOVED_TO of one rename; else 0 */
  cookie: number
  /** the entry in the watched directory; absent for the watched object itself */
  name?: string
  /** the name as bytes; only when it is not valid UTF-8, and `name` therefore a lossy decoding */
  nameBytes?: Buffer
}

/** The argument of `Inotify.addWatch`. */
export interface WatchOptions {
  /** a Buffer for a path that is not valid UTF-8 */
  path: string | Uint8Array
  /** an OR of IN_* constants, not 0; IN_ALL_EVENTS when absent */
  watch_for?: number | undefined
  /** called once per event, `this` being the instance */
  callback: (this: Inotify, event: InotifyEvent) => void
}

/**
 * The interface of the npm package inotify, with its faults mended: kernel failures are thrown (never returned as -1),
 * `persistent` tells the truth, an overflow is delivered, IN_ONESHOT alone is a valid mask, constants added later are there.
 *
 * An overflow is no news of one watch: `{watch: -1, mask: IN_Q_OVERFLOW, cookie: 0}` goes once to every callback function
 * that is registered (once to one that serves several watches). What the kernel had queued before it is all delivered. If the
 * IN_IGNORED of a watch was among the lost events it is made up for once the queue is empty, so that every watch ends with exactly one.
 *
 * The kernel identifies watches by inode: adding the same object again, also by another path, returns the same number, sets
 * the new mask (see IN_MASK_ADD, IN_MASK_CREATE), and the new callback replaces the old one.
 */
export class Inotify {
  /**
   * Opens an inotify descriptor.
   * @param persistent whether the instance keeps the event loop alive; only a sole boolean argument counts
   * @throws InotifyError EMFILE: no instance or no descriptor left
   */
  constructor(persistent?: boolean)
  /** as given to the constructor */
  get persistent(): boolean
  /**
   * Adds a watch, or changes that of an object watched already.
   * @returns the watch's number
   * @throws TypeError for an argument of the wrong kind
   * @throws InotifyError ENOENT, ENOTDIR (IN_ONLYDIR), EACCES, EEXIST (IN_MASK_CREATE), ENOSPC (no watch left), EINVAL (mask),
   * ENAMETOOLONG; EBADF after close()
   */
  addWatch(options: WatchOptions): number
  /**
   * Removes a watch. Events that were queued still arrive, then IN_IGNORED, which lets the callback go.
   * @throws TypeError if `watch` is no 32-bit integer
   * @throws InotifyError EINVAL: no such watch (any more); EBADF after close()
   */
  removeWatch(watch: number): true
  /** Closes the descriptor at once and lets all callbacks go; nothing is delivered afterwards. May be called again. */
  close(): true

  static readonly IN_ACCESS: number
  static readonly IN_MODIFY: number
  static readonly IN_ATTRIB: number
  static readonly IN_CLOSE_WRITE: number
  static readonly IN_CLOSE_NOWRITE: number
  static readonly IN_CLOSE: number
  static readonly IN_OPEN: number
  static readonly IN_MOVED_FROM: number
  static readonly IN_MOVED_TO: number
  static readonly IN_MOVE: number
  static readonly IN_CREATE: number
  static readonly IN_DELETE: number
  static readonly IN_DELETE_SELF: number
  static readonly IN_MOVE_SELF: number
  static readonly IN_ALL_EVENTS: number
  static readonly IN_UNMOUNT: number
  static readonly IN_Q_OVERFLOW: number
  static readonly IN_IGNORED: number
  static readonly IN_ONLYDIR: number
  static readonly IN_DONT_FOLLOW: number
  static readonly IN_EXCL_UNLINK: number
  static readonly IN_MASK_CREATE: number
  static readonly IN_MASK_ADD: number
  static readonly IN_ISDIR: number
  static readonly IN_ONESHOT: number
}

/** What an `InotifyBatch` calls; all functions with `this` being the handler. */
export interface BatchHandler {
  /**
   * Once per event, in the kernel's order. An overflow is an event with watch -1 and IN_Q_OVERFLOW.
   * @param watch the number that add() returned
   * @param mask IN_* bits, unsigned
   * @param cookie non-zero and the same in both halves of a rename
   * @param name undefined for events on the watched object itself
   * @param nameBytes only when the name is not valid UTF-8; `name` is then a lossy decoding. Yours to keep
   */
  event(
    watch: number,
    mask: number,
    cookie: number,
    name: string | undefined,
    nameBytes: Buffer | undefined,
  ): void
  /**
   * Once after every wake-up's events (at most 1 MiB of them, about 30,000 with short names).
   * @param drained whether the kernel's queue was empty; false: the next wake-up follows at once
   */
  end?(drained: boolean): void
  /**
   * Called after `end(true)`: every event that the kernel had queued has been delivered. A wake-up or poll() that finds
   * no event does not call it.
   */
  drained?(): void
}

/**
 * An inotify descriptor for many events: one call from the compiled half per wake-up, no object per event. It keeps
 * no table of watches; the same object added again returns the same number (the kernel numbers upwards, and does not soon use one again).
 */
export class InotifyBatch {
  /**
   * @param options `persistent: false`: do not keep the event loop alive
   * @throws TypeError if the handler has no function `event`
   * @throws InotifyError EMFILE: no instance or no descriptor left
   */
  constructor(handler: BatchHandler, options?: { persistent?: boolean | undefined })
  /** whether close() was called */
  get closed(): boolean
  /** the file descriptor, -1 once closed; not yours to close */
  get descriptor(): number
  /**
   * Adds a watch, or changes that of an object watched already.
   * @param mask an OR of IN_* constants
   * @returns the watch's number
   * @throws TypeError for an argument of the wrong kind
   * @throws InotifyError as Inotify.addWatch
   */
  add(path: string | Uint8Array, mask: number): number
  /**
   * Removes a watch; queued events still arrive, then IN_IGNORED.
   * @throws InotifyError EINVAL: no such watch (any more); EBADF after close()
   */
  remove(watch: number): void
  /**
   * Reads at once, without waiting, what the kernel has queued, and delivers it to the handler as a wake-up does. A caller that
   * is about to act on what it knows learns so of everything that happened before the call. What happens during the call may be
   * left for the next one: a node that makes events without end keeps nobody waiting.
   * @returns true when everything was read that was queued at the beginning. False, and not everything was read: after close();
   * from within a handler's function of any instance of this thread (nothing is read then, as the handler has not seen all of
   * its batch); and after a failed read(2), which becomes an uncaughtException
   */
  poll(): boolean
  /** Closes the descriptor at once; the handler is not called any more. May be called again. */
  close(): void
  /** Keeps the event loop alive (the default). */
  ref(): void
  /** Lets the event loop end. */
  unref(): void
}
