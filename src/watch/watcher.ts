import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { Inotify } from 'inotify'

import { errorCode, type TablesnapError } from '../errors.js'

import { AwaitedPaths } from './awaited.js'
import { isLink, isLinkToDirectory } from './identity.js'
import { KnownDirectories } from './known-directories.js'
import type { ScanReason, WatchListener, WatchNews } from './listener.js'
import { PathMonitor } from './path-monitor.js'
import { PostponedScans } from './postponed.js'
import { readTree, type Listing } from './tree.js'
import { hiddenError, lostError, watchError } from './watch-error.js'
import type { WatchOptions } from './watch-options.js'
import { eventOf } from './watches.js'

const { IN_CREATE, IN_CLOSE_WRITE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE_SELF, IN_MOVE_SELF } = Inotify
const { IN_ISDIR, IN_IGNORED, IN_UNMOUNT } = Inotify

/**
 * Turns inotify's events into paths. Every directory is watched first and scanned then, so nothing falls between. A directory
 * for which the kernel has no watch left is scanned all the same, and remembered: only further scans show what happens in it.
 * Symbolic links to directories are followed; a directory that can be reached by two paths is watched under one.
 */
export class Watcher {
  readonly #options: WatchOptions
  readonly #listener: WatchListener
  readonly #news: WatchNews
  readonly #known: KnownDirectories
  readonly #postponed: PostponedScans
  readonly #awaited: AwaitedPaths
  readonly #monitor: PathMonitor

  /** @throws TablesnapError `WATCH_LIMIT` when the user's inotify instances are used up */
  constructor(options: WatchOptions, listener: WatchListener, news: WatchNews) {
    this.#options = options
    this.#listener = listener
    this.#news = news
    this.#known = new KnownDirectories(
      (path, mask, name, isBroken) => this.#event(path, mask, name, isBroken),
      () => listener.overflow(),
    )
    this.#postponed = new PostponedScans(({ path, reason, deep }) =>
      this.#report(path, this.#add(path, reason, deep)),
    )
    this.#awaited = new AwaitedPaths(path => this.#arrived(path))
    this.#monitor = new PathMonitor({
      isKnown: path => this.#known.has(path) || this.#known.isHidden(path),
      moved: path => this.#moved(path, 'it was renamed, deleted or replaced'),
      hidden: path => this.#hide(path),
      shown: path => this.#show(path),
    })
  }

  /** Directories watched now. */
  get size(): number {
    return this.#known.size
  }

  /** Directories that are scanned, but for which the kernel has no watch left. */
  get unwatched(): readonly string[] {
    return this.#known.unwatched
  }

  isUnwatched(path: string): boolean {
    return this.#known.isUnwatched(path)
  }

  /** Whether directories are still to be scanned for which the process had no descriptor left. */
  get isBehind(): boolean {
    return this.#postponed.size > 0
  }

  /** Reads and delivers what the kernel has queued. @returns whether that was all that had happened before the call, or it is closed */
  poll(): boolean {
    return this.#known.poll()
  }

  /** Watches and scans the paths. @throws TablesnapError when one of them cannot be watched */
  start(): void {
    const { paths, recursive, patient, waitsForPaths } = this.#options
    for (const path of paths) {
      if (this.#known.has(path)) continue
      const error = this.#add(path, 'start', recursive)
      if (error?.code === 'WATCH_GONE' && waitsForPaths === true) this.#await(path)
      else if (error?.code === 'WATCH_SHORT') this.#report(path, error)
      else if (error !== undefined) throw error
    }
    if (patient === true) this.#monitor.start()
  }

  /** Watches and scans one more directory that is there, as if it had been among the paths. @returns why it cannot be */
  include(path: string): TablesnapError | undefined {
    if (this.#known.has(path)) return undefined
    const error = this.#add(path, 'start', false)
    if (error === undefined) this.#monitor.add(path)
    return error
  }

  /** Scans directories again, watched or not: a path may lead to another directory now, or to none. */
  rescan(paths: readonly string[] = this.#known.paths): void {
    const changed = new Set(paths.filter(path => !this.#check(path)))
    for (const path of paths) {
      const isKnown = this.#known.has(path)
      if (isKnown && !changed.has(path)) this.#report(path, this.#add(path, 'rescan', false))
      else if (!isKnown && changed.has(path) && existsSync(path)) this.#addNew(path)
    }
  }

  close(): void {
    this.#awaited.close()
    this.#postponed.close()
    this.#monitor.close()
    this.#known.close()
  }

  /** Whether a path leads to the directory that is known under it; otherwise that one is dropped. */
  #check(path: string): boolean {
    if (!this.#known.has(path)) return true
    try {
      if (this.#known.isSame(path)) return true
      this.#drop(path)
    } catch (cause) {
      this.#drop(path, 'it was deleted')
      if (errorCode(cause) !== 'ENOSPC') this.#report(path, watchError(path, cause))
    }
    return false
  }

  /**
   * Watches a directory, then scans it and, if `deep`, those below. Symbolic links come last: a directory that lies below as well
   * is known under its own path.
   * @returns why the first one could not be
   */
  #add(path: string, reason: ScanReason, deep: boolean): TablesnapError | undefined {
    const links: string[] = []
    const error = this.#addTree(path, reason, deep, links)
    if (reason !== 'rescan' && (this.#options.paths.includes(path) || isLinkToDirectory(path)))
      this.#monitor.add(path)
    for (let link = links.shift(); link !== undefined; link = links.shift()) {
      if (this.#known.has(link)) continue
      this.#report(link, this.#addTree(link, reason, deep, links))
      this.#monitor.add(link)
    }
    return error
  }

  #addTree(path: string, reason: ScanReason, deep: boolean, links: string[]): TablesnapError | undefined {
    let listing: Listing
    try {
      if (!this.#known.add(path)) return undefined
      listing = readTree(path)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'EMFILE' || code === 'ENFILE') this.#postponed.add({ path, reason, deep })
      return watchError(path, error)
    }
    this.#postponed.delete(path)
    for (const name of listing.unreadable) this.#news.unreadable(path, name)
    for (const name of listing.broken) this.#broken(path, name)
    this.#listener.scanned(path, listing, reason, !this.#known.isUnwatched(path))
    if (reason === 'rescan' && this.#options.autoAdd) this.#addUnknown(path, listing)
    if (!deep) return undefined
    for (const name of listing.directories) {
      const below = join(path, name)
      if (this.#options.skip(below) || this.#known.has(below)) continue
      if (listing.links.includes(name)) links.push(below)
      else this.#report(below, this.#addTree(below, reason, true, links))
    }
    return undefined
  }

  #addUnknown(directory: string, listing: Listing): void {
    for (const name of listing.directories) {
      const path = join(directory, name)
      if (!this.#known.has(path) && !this.#known.isHidden(path) && !this.#options.skip(path))
        this.#addNew(path)
    }
  }

  #event(directory: string, mask: number, name: string | undefined, isBroken: boolean): void {
    if (mask & IN_UNMOUNT) this.#unmounted(directory)
    else if (mask & (IN_IGNORED | IN_DELETE_SELF)) this.#forget(directory, 'it was deleted')
    else if (mask & IN_MOVE_SELF) {
      // Below a path that is watched, the directory above tells of a rename.
      if (this.#options.paths.includes(directory)) this.#drop(directory, 'it was renamed')
    } else if (name === undefined) return
    else if (isBroken) {
      if (mask & (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO)) this.#news.unreadable(directory, name)
    } else if (mask & IN_ISDIR) this.#directory(join(directory, name), mask)
    else if (!this.#link(join(directory, name), mask)) this.#listener.file(directory, name, eventOf(mask))
  }

  #directory(path: string, mask: number): void {
    if (mask & (IN_CREATE | IN_MOVED_TO)) {
      if (this.#options.skip(path)) return
      if (this.#options.autoAdd) this.#addNew(path)
      else this.#news.unwatched(path)
    } else if (mask & IN_MOVED_FROM) this.#drop(path)
  }

  /** Events call a symbolic link to a directory a file. @returns whether it is, or was, one */
  #link(path: string, mask: number): boolean {
    if (mask & IN_CLOSE_WRITE) return false
    if (mask & (IN_CREATE | IN_MOVED_TO)) {
      if (!isLinkToDirectory(path)) return false
      this.#directory(path, mask)
      return true
    }
    if (!this.#known.has(path)) return false
    this.#drop(path)
    return true
  }

  #addNew(path: string): void {
    try {
      // The scan of the directory above may have found it before its CREATE came.
      if (this.#known.isSame(path)) return
    } catch {
      // It is gone already, or cannot be watched: told below.
    }
    this.#drop(path)
    this.#report(path, this.#add(path, 'new', true))
  }

  /** A path leads to another directory now, or to none. */
  #moved(path: string, how: string): void {
    const isRoot = this.#options.paths.includes(path)
    this.#drop(path, how)
    if (isRoot) return
    if (existsSync(path)) this.#addNew(path)
    else if (isLink(path)) this.#broken(dirname(path), basename(path))
  }

  /** A symbolic link leads nowhere, perhaps only for now. */
  #broken(directory: string, name: string): void {
    const path = join(directory, name)
    if (this.#options.skip(path)) return
    this.#news.broken(directory, name)
    if (this.#options.patient === true && this.#options.autoAdd) this.#awaited.add(path)
  }

  /** Ends the watches on a directory and all below. */
  #drop(path: string, how = 'it was replaced'): void {
    this.#monitor.deleteBelow(path)
    this.#postponed.deleteBelow(path)
    for (const directory of this.#known.below(path)) this.#forget(directory, how)
  }

  #forget(path: string, how: string): void {
    if (!this.#known.delete(path)) return
    this.#listener.lost(path)
    if (!this.#options.paths.includes(path)) return
    this.#news.failed(path, lostError(path, how))
    if (this.#options.patient === true) this.#await(path)
  }

  /** The file system of a directory was unmounted. */
  #unmounted(directory: string): void {
    this.#known.hide(directory)
    this.#listener.hidden(directory)
  }

  #hide(path: string): void {
    this.#postponed.deleteBelow(path)
    for (const directory of this.#known.below(path)) this.#unmounted(directory)
    this.#news.failed(path, hiddenError(path))
  }

  #show(path: string): void {
    this.#news.mounted(path)
    this.#listener.shown(this.#known.takeHidden(path))
    this.#report(path, this.#add(path, 'new', this.#options.recursive))
  }

  /** Looks for a path until it is there: what it holds then is new. */
  #await(path: string): void {
    if (this.#awaited.add(path)) this.#news.awaited(path)
  }

  /** @returns whether a path that was waited for need not be looked for any more */
  #arrived(path: string): boolean {
    const isRoot = this.#options.paths.includes(path)
    if (!isRoot && !isLinkToDirectory(path)) return !isLink(path)
    const error = this.#add(path, 'new', this.#options.recursive)
    if (error?.code === 'WATCH_GONE') return false
    this.#report(path, error)
    return true
  }

  /** A directory that is gone is no problem: its going is told otherwise. */
  #report(path: string, error: TablesnapError | undefined): void {
    if (error === undefined || error.code === 'WATCH_GONE') return
    this.#news.failed(path, error)
    if (error.code === 'WATCH_DENIED') this.#listener.denied(path)
  }
}
