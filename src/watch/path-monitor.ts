import { readdirSync, realpathSync } from 'node:fs'

import { identityOf } from './identity.js'
import { MountTable } from './mounts.js'

/** Who owns the watches. */
export interface MonitoredWatches {
  /** Whether a directory is watched, or was until its file system was unmounted. */
  isKnown(path: string): boolean
  /** A path leads to another directory now, or to none, and no mount is the reason. */
  moved(path: string): void
  /** The file system of a path was unmounted, or another one was mounted over it. */
  hidden(path: string): void
  /** A path that was hidden leads to a mounted directory again. */
  shown(path: string): void
}

/** A path that is compared with the directory that it led to. */
interface Anchor {
  /** Without symbolic links. */
  readonly real: string
  readonly identity: string
}

/** A path whose file system is not mounted now. */
interface Hidden {
  readonly real: string
  /** The mount point of the file system that it lay in. */
  readonly home: string
}

/** How often paths and mounts are looked at, ms. */
const LOOK = 1_000

/**
 * Notices within a second that a watched path leads elsewhere though inotify tells nothing of it: a directory above was renamed, a
 * symbolic link on the way was changed, a file system was mounted or unmounted. It looks at the watched paths, at the symbolic
 * links below, and at /proc/self/mountinfo: together some 0.01 % of a core. An event tells of a plain unmount even sooner.
 *
 * An empty mount point is not the directory that was mounted there: the path stays hidden until something is mounted again.
 */
export class PathMonitor {
  readonly #watches: MonitoredWatches
  readonly #anchors = new Map<string, Anchor>()
  readonly #hidden = new Map<string, Hidden>()
  /** Mount points of the file systems in which a path lay that was hidden before. */
  readonly #homes = new Map<string, Set<string>>()
  #mounts = MountTable.read()
  #timer: NodeJS.Timeout | undefined

  constructor(watches: MonitoredWatches) {
    this.#watches = watches
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#anchors.clear()
    this.#hidden.clear()
    this.#homes.clear()
  }

  /** Compares a path from now on with the directory that it leads to. */
  add(path: string): void {
    const identity = identityOf(path)
    const real = realOf(path)
    if (identity !== undefined && real !== undefined) this.#anchors.set(path, { real, identity })
  }

  /** The watches on a path and everything below it have ended. */
  deleteBelow(path: string): void {
    for (const paths of [this.#anchors, this.#hidden])
      for (const one of [...paths.keys()]) if (one === path || one.startsWith(`${path}/`)) paths.delete(one)
  }

  /** Looks once at everything. */
  look(): void {
    const suspects = [...this.#anchors].filter(([path, { identity }]) => identityOf(path) !== identity)
    // Only a table that was read after the paths were looked at explains what they led to.
    const before = this.#mounts
    this.#mounts = MountTable.read(before)
    for (const point of this.#mounts.changesSince(before)) this.#changed(point, before)
    for (const [path] of suspects) if (this.#anchors.has(path)) this.#watches.moved(path)
    for (const [path, hidden] of [...this.#hidden]) if (this.#isBack(path, hidden)) this.#show(path)
  }

  /** Another file system, or none, is mounted on a mount point. */
  #changed(point: string, before: MountTable): void {
    for (const [path, { real }] of [...this.#anchors]) {
      if (isAtOrBelow(real, point)) this.#hide(path, real, before)
      else if (isAtOrBelow(point, real)) {
        const below = path + point.slice(real === '/' ? 0 : real.length)
        if (this.#watches.isKnown(below)) this.#hide(below, point, before)
      }
    }
  }

  #hide(path: string, real: string, before: MountTable): void {
    if ([...this.#hidden.keys()].some(hidden => isAtOrBelow(path, hidden))) return
    this.deleteBelow(path)
    const home = before.pointOf(real)
    this.#hidden.set(path, { real, home })
    this.#homes.set(path, (this.#homes.get(path) ?? new Set()).add(home))
    this.#watches.hidden(path)
  }

  #isBack(path: string, { real, home }: Hidden): boolean {
    if (identityOf(path) === undefined) return false
    const point = this.#mounts.pointOf(real)
    if (point.length >= home.length) return true
    // The file system that was mounted over it is gone. An empty directory may be a mount point that was watched before anything was mounted.
    return this.#homes.get(path)?.has(point) === true && !isEmpty(path)
  }

  #show(path: string): void {
    this.#hidden.delete(path)
    this.#watches.shown(path)
  }
}

function isAtOrBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(above === '/' ? '/' : `${above}/`)
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0
  } catch {
    return true
  }
}
