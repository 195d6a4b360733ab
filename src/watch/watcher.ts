import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { InotifyBatch, Inotify } from 'inotify'

import { TablesnapError, errorCode, errorMessage } from '../errors.js'

import type { FileEvent, ScanReason, WatchListener } from './listener.js'
import { readTree, type Listing } from './tree.js'
import { UnwatchedDirectories } from './unwatched.js'
import { lostError, watchError } from './watch-error.js'

/** What is watched. */
export interface WatchOptions {
  /** Absolute. */
  readonly paths: readonly string[]
  /** Watch the directories below, too. */
  readonly recursive: boolean
  /** Watch directories that appear later. */
  readonly autoAdd: boolean
  /** Whether paths that are not there are waited for; default: no. */
  readonly patient?: boolean
  /** Directories that are left out, by their path. */
  readonly skip: (path: string) => boolean
}

/** How often a path that is not there is looked for, ms. */
const LOOK = 1_000

/** When a directory is scanned again for which the process had no descriptor left, ms. */
const AGAIN = 1_000

const { IN_CREATE, IN_CLOSE_WRITE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF } =
  Inotify
const { IN_ISDIR, IN_IGNORED, IN_Q_OVERFLOW, IN_ONLYDIR, IN_EXCL_UNLINK } = Inotify

/** No reads and no modifications: a narrow mask keeps the kernel's queue for what matters. */
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

/** A scan that could not be done yet. */
interface Scan {
  readonly reason: ScanReason
  readonly deep: boolean
}

/**
 * Turns inotify's events into paths. Every directory is watched first and scanned then, so nothing falls between. A directory
 * for which the kernel has no watch left is scanned all the same, and remembered: only further scans show what happens in it.
 */
export class Watcher {
  readonly #options: WatchOptions
  readonly #listener: WatchListener
  readonly #paths = new Map<number, string>()
  readonly #watches = new Map<string, number>()
  readonly #inotify: InotifyBatch
  readonly #awaited = new Set<string>()
  readonly #unwatched = new UnwatchedDirectories()
  readonly #postponed = new Map<string, Scan>()
  #look: NodeJS.Timeout | undefined
  #again: NodeJS.Timeout | undefined
  #isClosed = false

  /** @throws TablesnapError `WATCH_LIMIT` when the user's inotify instances are used up */
  constructor(options: WatchOptions, listener: WatchListener) {
    this.#options = options
    this.#listener = listener
    try {
      this.#inotify = new InotifyBatch({
        event: (watch, mask, _cookie, name, bytes) => this.#event(watch, mask, name, bytes !== undefined),
      })
    } catch (cause) {
      throw new TablesnapError({
        code: 'WATCH_LIMIT',
        message: errorMessage(cause),
        operation: 'watch',
        cause,
      })
    }
  }

  /** Directories watched now. */
  get size(): number {
    return this.#watches.size
  }

  /** Directories that are scanned, but for which the kernel has no watch left. */
  get unwatched(): readonly string[] {
    return this.#unwatched.paths
  }

  isUnwatched(path: string): boolean {
    return this.#unwatched.has(path)
  }

  /** Whether directories are still to be scanned for which the process had no descriptor left. */
  get isBehind(): boolean {
    return this.#postponed.size > 0
  }

  /** Reads and delivers what the kernel has queued. @returns whether its queue was empty at the end, or is closed */
  poll(): boolean {
    return this.#isClosed || this.#inotify.poll()
  }

  /** Watches and scans the paths. @throws TablesnapError when one of them cannot be watched */
  start(): void {
    const { paths, recursive, patient } = this.#options
    for (const path of paths) {
      if (this.#isKnown(path)) continue
      const error = this.#add(path, 'start', recursive)
      if (error?.code === 'WATCH_GONE' && patient === true) this.#await(path)
      else if (error?.code === 'WATCH_SHORT') this.#report(path, error)
      else if (error !== undefined) throw error
    }
  }

  /** Scans directories again, watched or not: a path may lead to another directory now, or to none. */
  rescan(paths: readonly string[] = [...this.#watches.keys(), ...this.#unwatched.paths]): void {
    const changed = new Set(paths.filter(path => !this.#check(path)))
    for (const path of paths) {
      const isKnown = this.#isKnown(path)
      if (isKnown && !changed.has(path)) this.#report(path, this.#add(path, 'rescan', false))
      else if (!isKnown && changed.has(path) && existsSync(path)) this.#addNew(path)
    }
  }

  #isKnown(path: string): boolean {
    return this.#watches.has(path) || this.#unwatched.has(path)
  }

  /** Whether a path leads to the directory that is known under it; otherwise that one is dropped. */
  #check(path: string): boolean {
    if (this.#unwatched.has(path)) {
      if (this.#unwatched.isSame(path)) return true
      this.#drop(path)
      return false
    }
    const watch = this.#watches.get(path)
    if (watch === undefined) return true
    try {
      // The kernel gives a directory that is watched the number that it has.
      if (this.#inotify.add(path, MASK) === watch) return true
      this.#drop(path)
    } catch (cause) {
      this.#drop(path, 'it was deleted')
      if (errorCode(cause) !== 'ENOSPC') this.#report(path, watchError(path, cause))
    }
    return false
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#look)
    clearTimeout(this.#again)
    this.#postponed.clear()
    this.#inotify.close()
    this.#paths.clear()
    this.#watches.clear()
    this.#unwatched.clear()
  }

  /** Watches a directory, then scans it and, if `deep`, those below; returns why the first one could not be. */
  #add(path: string, reason: ScanReason, deep: boolean): TablesnapError | undefined {
    let listing: Listing
    try {
      if (!this.#tryWatch(path)) return undefined
      listing = readTree(path)
    } catch (error) {
      if (isShort(error)) this.#postpone(path, { reason, deep })
      return watchError(path, error)
    }
    this.#postponed.delete(path)
    for (const name of listing.unreadable) this.#listener.unreadable(path, name)
    this.#listener.scanned(path, listing, reason, !this.#unwatched.has(path))
    if (reason === 'rescan' && this.#options.autoAdd) this.#addUnknown(path, listing)
    if (!deep) return undefined
    for (const name of listing.directories) {
      const below = join(path, name)
      if (this.#options.skip(below) || this.#isKnown(below)) continue
      this.#report(below, this.#add(below, reason, true))
    }
    return undefined
  }

  #addUnknown(directory: string, listing: Listing): void {
    for (const name of listing.directories) {
      const path = join(directory, name)
      if (!this.#isKnown(path) && !this.#options.skip(path)) this.#addNew(path)
    }
  }

  /** The process may open no more files for now: the scan is done later. */
  #postpone(path: string, scan: Scan): void {
    if (this.#isClosed) return
    const before = this.#postponed.get(path)
    if (before === undefined || scan.deep) this.#postponed.set(path, scan)
    this.#again ??= setTimeout(() => {
      this.#again = undefined
      const postponed = [...this.#postponed]
      this.#postponed.clear()
      for (const [later, { reason, deep }] of postponed) this.#report(later, this.#add(later, reason, deep))
    }, AGAIN)
  }

  /** As {@link #watch}; a directory for which the kernel has no watch left does without. */
  #tryWatch(path: string): boolean {
    try {
      const isFirst = this.#watch(path)
      this.#unwatched.delete(path)
      return isFirst
    } catch (error) {
      if (errorCode(error) !== 'ENOSPC' || !this.#unwatched.add(path)) throw error
      return true
    }
  }

  /** Sets a watch; false when the directory is watched under another path already. */
  #watch(path: string): boolean {
    const watch = this.#inotify.add(path, MASK)
    const before = this.#paths.get(watch)
    // One directory under two paths, by a symbolic link or a bind mount: the first one names its files.
    if (before !== undefined && before !== path && this.#watches.get(before) === watch) return false
    this.#paths.set(watch, path)
    this.#watches.set(path, watch)
    return true
  }

  #event(watch: number, mask: number, name: string | undefined, broken: boolean): void {
    if (mask & IN_Q_OVERFLOW) {
      this.#listener.overflow()
      return
    }
    const directory = this.#paths.get(watch)
    if (directory === undefined) return
    if (mask & (IN_IGNORED | IN_DELETE_SELF)) this.#forget(directory, watch, 'it was deleted')
    else if (mask & IN_MOVE_SELF) this.#moved(directory)
    else if (name === undefined) return
    else if (broken) {
      if (mask & (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO)) this.#listener.unreadable(directory, name)
    } else if (mask & IN_ISDIR) this.#directory(join(directory, name), mask)
    else this.#listener.file(directory, name, eventOf(mask))
  }

  #directory(path: string, mask: number): void {
    if (mask & (IN_CREATE | IN_MOVED_TO)) {
      if (this.#options.skip(path)) return
      if (this.#options.autoAdd) this.#addNew(path)
      else this.#listener.unwatched(path)
    } else if (mask & IN_MOVED_FROM) {
      this.#drop(path)
    }
  }

  #addNew(path: string): void {
    if (this.#isWatched(path)) return
    this.#drop(path)
    this.#report(path, this.#add(path, 'new', true))
  }

  /** Whether a directory whose CREATE has come was found by the scan of its parent already. */
  #isWatched(path: string): boolean {
    if (this.#unwatched.has(path)) return this.#unwatched.isSame(path)
    const watch = this.#watches.get(path)
    try {
      return watch !== undefined && this.#inotify.add(path, MASK) === watch
    } catch {
      return false
    }
  }

  /** A watched path was renamed: its files have other names now. */
  #moved(directory: string): void {
    if (this.#options.paths.includes(directory)) this.#drop(directory, 'it was renamed')
  }

  /** Ends the watches on a directory and all below. */
  #drop(path: string, how = 'it was replaced'): void {
    for (const [directory, watch] of [...this.#watches]) {
      if (directory !== path && !directory.startsWith(`${path}/`)) continue
      this.#forget(directory, watch, how)
      try {
        this.#inotify.remove(watch)
      } catch {
        // The kernel ended it already.
      }
    }
    for (const directory of this.#unwatched.paths) {
      if (directory !== path && !directory.startsWith(`${path}/`)) continue
      this.#unwatched.delete(directory)
      this.#lost(directory, how)
    }
    for (const postponed of [...this.#postponed.keys()])
      if (postponed === path || postponed.startsWith(`${path}/`)) this.#postponed.delete(postponed)
  }

  #forget(directory: string, watch: number, how: string): void {
    this.#paths.delete(watch)
    if (this.#watches.get(directory) !== watch) return
    this.#watches.delete(directory)
    this.#lost(directory, how)
  }

  #lost(path: string, how: string): void {
    this.#listener.lost(path)
    if (!this.#options.paths.includes(path)) return
    this.#listener.failed(path, lostError(path, how))
    if (this.#options.patient === true) this.#await(path)
  }

  /** Looks for a path until it is there: what it holds then is new. */
  #await(path: string): void {
    if (this.#awaited.has(path)) return
    this.#awaited.add(path)
    this.#listener.awaited(path)
    this.#look ??= setInterval(() => {
      for (const awaited of [...this.#awaited]) {
        const error = this.#add(awaited, 'new', this.#options.recursive)
        if (error?.code === 'WATCH_GONE') continue
        this.#awaited.delete(awaited)
        this.#report(awaited, error)
      }
      if (this.#awaited.size > 0) return
      clearInterval(this.#look)
      this.#look = undefined
    }, LOOK)
  }

  /** A directory that is gone is no problem: its going is told otherwise. */
  #report(path: string, error: TablesnapError | undefined): void {
    if (error !== undefined && error.code !== 'WATCH_GONE') this.#listener.failed(path, error)
  }
}

/** Whether the process, or the machine, may open no more files for now. */
function isShort(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'EMFILE' || code === 'ENFILE'
}

function eventOf(mask: number): FileEvent {
  if (mask & IN_MOVED_TO) return 'moved-in'
  if (mask & IN_CLOSE_WRITE) return 'closed'
  return mask & IN_CREATE ? 'created' : 'gone'
}
