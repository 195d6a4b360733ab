import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Test } from 'tap'

import type { Ended } from '../../src/backup/agenda.js'
import { identify, type Found } from '../../src/backup/found.js'
import type { Group } from '../../src/backup/group.js'
import { OpenSet } from '../../src/backup/open-set.js'
import { Gaps } from '../../src/backup/gaps.js'
import { Tracker, type TrackerOptions } from '../../src/backup/tracker.js'
import type { Unit } from '../../src/backup/unit.js'
import { Filter } from '../../src/plan/filter.js'
import type { Commit } from '../../src/state/commit.js'
import { History } from '../../src/state/history.js'
import type { Entry } from '../../src/state/state.js'
import { readTree } from '../../src/watch/tree.js'
import type { FileEvent, ScanReason } from '../../src/watch/watcher.js'

import { Table } from './table.js'

/** How a {@link Tracked} node differs from a daemon that backs up all. */
export interface TrackedOptions extends Partial<TrackerOptions> {
  readonly snapshots?: boolean
  /** Whether uploads succeed by themselves; otherwise each waits for {@link Tracked.end}. */
  readonly auto?: boolean
  /** Whether the bucket is asked at once for the newest states: there are none. */
  readonly load?: boolean
}

/** The table of most tests. */
export const TABLE = 'd1/ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

/** A tracker over real directories, fed by hand, with histories but without a bucket. */
export class Tracked {
  readonly base: string
  readonly tracker: Tracker
  /** Complete sets that are not ended yet. */
  readonly given: Found[] = []
  /** All that were ever given. */
  readonly all: Found[] = []
  /** What was committed, as `+nb-3-big -nb-1-big`. */
  readonly commits: string[] = []
  readonly problems: string[] = []
  readonly errors: string[] = []
  readonly unlinked: Group[] = []
  readonly changed = new Set<Unit>()
  /** Scans that had to be made again. */
  gaps = 0
  readonly settle: number

  constructor(t: Test, options: TrackedOptions = {}) {
    this.base = mkdtempSync(join(tmpdir(), 'tablesnap-tracked-'))
    this.settle = options.settle ?? 30
    const { snapshots = false, auto = false, load = true } = options
    const silent = () => undefined
    const gaps = new Gaps({
      begin: unit => {
        this.gaps++
        this.tracker.begin(unit)
      },
      rescan: paths => this.#rescan(paths),
      paced: false,
    })
    this.tracker = new Tracker({
      existing: true,
      settle: this.settle,
      retry: true,
      listenEvents: ['IN_MOVED_TO', 'IN_CLOSE_WRITE', 'IN_CREATE'],
      filter: new Filter({ exclude: [], include: [], snapshots, backups: snapshots }, [this.base]),
      log: { debug: silent, info: silent, warn: silent, error: text => void this.errors.push(text) },
      clock: () => Date.now(),
      onUnit: unit => {
        if (load) setImmediate(() => this.tracker.loaded(unit))
      },
      onScanned: unit => this.#scanned(unit),
      onGap: unit => gaps.missed(unit),
      onChange: unit => void this.changed.add(unit),
      onUnlinked: group => void this.unlinked.push(group),
      onUnwatched: silent,
      onProblem: (_path, message) => void this.problems.push(message),
      onComplete: found => {
        this.given.push(found)
        this.all.push(found)
        if (auto) this.#upload(found)
      },
      ...options,
    })
    t.teardown(() => {
      this.tracker.stop()
      this.tracker.close()
      rmSync(this.base, { recursive: true, force: true })
    })
  }

  /** A table's directory, not scanned yet. */
  table(path = TABLE): Table {
    return new Table(join(this.base, path))
  }

  scan(reason: ScanReason, ...tables: readonly Table[]): void {
    for (const { path } of tables) this.tracker.scanned(path, readTree(path), reason)
  }

  event(path: string, event: FileEvent): void {
    this.tracker.file(dirname(path), basename(path), event)
  }

  /** Writes a set as a copy does, with its events. */
  copy(table: Table, set: string): void {
    table.set(set)
    for (const path of table.paths(set)) {
      this.event(path, 'created')
      this.event(path, 'closed')
    }
  }

  /** Deletes a set, with its events. */
  delete(table: Table, set: string): void {
    const paths = table.paths(set)
    table.delete(set)
    for (const path of paths) this.event(path, 'gone')
  }

  /** The first unit, or the one that is called so. */
  unit(name?: string): Unit {
    for (const unit of this.tracker.units.values()) if (name === undefined || unit.name === name) return unit
    throw new Error(`there is no unit ${name ?? ''}`)
  }

  /** Names of the sets that Cassandra would read now. */
  live(unit: Unit = this.unit()): string[] {
    return [...(unit.history?.live ?? [])].map(nameOf).sort()
  }

  /** Ends the oldest given group; `done`: with all its files durable. */
  end(next: Ended['next'] = 'done'): Found {
    const found = this.given.shift()
    if (found === undefined) throw new Error('nothing was given')
    const durable = new Map<string, Entry>()
    if (next === 'done')
      for (const name of found.names) durable.set(name, entryOf(join(found.directory, name)))
    this.tracker.ended(found, { durable, names: found.names, next })
    return found
  }

  /** Long enough for everything that is quiet to be settled. */
  async quiet(): Promise<void> {
    await sleep(this.settle * 1.5 + 20)
    await turn()
  }

  /** As a real upload: opens the files at once, and is done a little later. */
  #upload(found: Found): void {
    const open = new OpenSet(found)
    const durable = new Map<string, Entry>()
    for (const { name, identity } of open.files)
      durable.set(name, { ...identity, crc64: '0'.repeat(16), key: undefined })
    const next = open.vanished ? 'gone' : 'done'
    const names = [...open.files.map(({ name }) => name), ...open.unchanged]
    open.close()
    setImmediate(() => {
      this.given.splice(this.given.indexOf(found), 1)
      this.tracker.ended(found, { durable: next === 'done' ? durable : new Map(), names, next })
    })
  }

  #scanned(unit: Unit): void {
    const scan = { sets: unit.scanned(unit.newest), time: Date.now(), lost: false }
    if (unit.before !== undefined) {
      unit.history = unit.before
      unit.before = undefined
      unit.history.gap(scan)
      return
    }
    const history = new History<Group>(undefined, scan)
    const commit = history.commit.bind(history)
    history.commit = change => {
      const isNews = commit(change)
      if (isNews) this.commits.push(textOf(change))
      return isNews
    }
    unit.history = history
  }

  #rescan(paths: readonly string[]): void {
    for (const path of paths) {
      if (existsSync(path)) this.tracker.scanned(path, readTree(path), 'rescan')
      else this.tracker.lost(path)
    }
  }
}

/** Once everything that was to happen at once has happened. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve))
}

/** A file as it is now. */
export function entryOf(path: string): Entry {
  const identity = identify(path)
  if (identity === undefined) throw new Error(`${path} is not there`)
  return { ...identity, crc64: '0'.repeat(16), key: undefined }
}

/** A set's name, with what lies between it and its table's directory. */
export function nameOf({ path }: Group): string {
  return path.replace(/^.*-[0-9a-f]{32}\//, '')
}

function textOf({ adds, removes, kind }: Commit<Group>): string {
  const words = [
    ...adds.map(set => `+${nameOf(set)}`).sort(),
    ...removes.map(set => `-${nameOf(set)}`).sort(),
  ]
  return [...words, ...(kind === undefined ? [] : [kind])].join(' ')
}
