import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

import type { Test } from 'tap'

import { isTxnLog, parseComponent } from '../../src/cassandra/names.js'
import type { Ready } from '../../src/tables/ports.js'
import { readTree } from '../../src/watch/tree.js'

import { BURST, RECORDINGS, Recording, isCopy, type Step } from './recording.js'
import { Table } from './table.js'
import { Tracked, turn, type TrackedOptions } from './tracked.js'

/** How a recording is played. */
export interface ReplayOptions extends TrackedOptions {
  /** Events that are still to come when something is done: the reader of the queue is that late. */
  readonly lag?: number
  /** Whether it came out well, beside that no set was torn. */
  readonly isExpected?: (replay: Replay) => boolean
}

/** How often a recording is played at most. */
const TRIES = 10

/** A set as it was given to be uploaded. */
export interface Given {
  readonly set: string
  /** The last step that was done on the disk. */
  readonly step: number
  readonly components: readonly string[]
}

/** Does to real files what a node did to its own, and tells a tracker of it. */
export class Replay {
  readonly tracked: Tracked
  readonly given: Given[] = []
  readonly recording: Recording
  readonly #steps: readonly Step[]
  readonly #lag: number
  readonly #snapshots: boolean
  readonly #watched = new Set<string>()
  readonly #events: (() => void)[] = []
  readonly #replaced = new Set<string>()
  #step = -1
  /** The longest that steps took which the node made without a pause, ms. */
  #longest = 0

  private constructor(t: Test, name: string, options: ReplayOptions = {}) {
    const steps = RECORDINGS.get(name)
    if (steps === undefined) throw new Error(`no recording of ${name}`)
    this.#steps = steps
    this.recording = new Recording(steps)
    this.#lag = options.lag ?? 0
    this.#snapshots = options.snapshots ?? false
    this.tracked = new Tracked(t, { settle: 60, auto: true, ...options })
    const { all } = this.tracked
    all.push = (...ready: Ready[]) => {
      this.given.push(...ready.map(one => this.#given(one)))
      return all.length
    }
  }

  /**
   * Plays a recording to its end; anew where it did not come out well and this process was held up meanwhile: a pause that
   * the node did not make proves nothing.
   */
  static async play(t: Test, name: string, options: ReplayOptions = {}): Promise<Replay> {
    for (let tries = 1; ; tries++) {
      const replay = new Replay(t, name, options)
      await replay.#run()
      const isWell = replay.torn.length === 0 && (options.isExpected?.(replay) ?? true)
      if (isWell || tries === TRIES || replay.#longest < replay.tracked.settle / 2) return replay
    }
  }

  async #run(): Promise<void> {
    this.#begin()
    this.#tell(0)
    await this.#rest()
    let time = 0
    let began = performance.now()
    for (const [i, step] of this.#steps.entries()) {
      if (step.time - time >= BURST) {
        this.#tell(0)
        await this.#rest()
        began = performance.now()
      }
      time = step.time
      this.#step = i
      this.#do(step, i)
      this.#tell(this.#lag)
      await new Promise(resolve => setImmediate(resolve))
      this.#longest = Math.max(this.#longest, performance.now() - began)
    }
    this.#tell(0)
    await this.#rest()
  }

  /** As long a time as a second is for a settle time of one: whatever waits for quiet has it. */
  async #rest(): Promise<void> {
    await turn()
    await this.tracked.idle()
  }

  /** Sets that were given while they were not whole. */
  get torn(): string[] {
    return this.given
      .filter(({ set, step }) =>
        this.recording.torn.get(set)?.some(({ from, to }) => step >= from && step < to),
      )
      .map(({ set, step }) => `${set} at step ${step}`)
  }

  /** Components of every set that is on the disk. */
  onDisk(): Map<string, string[]> {
    const sets = new Map<string, string[]>()
    for (const directory of this.#watched) {
      if (!existsSync(this.#path(directory))) continue
      for (const name of readdirSync(this.#path(directory)).sort()) {
        const component = name.endsWith('.tmp') ? undefined : parseComponent(name)
        if (component === undefined) continue
        const set = `${directory}/${component.set}`
        sets.set(set, [...(sets.get(set) ?? []), component.component])
      }
    }
    return new Map([...sets].sort())
  }

  /** Components of every SSTable of the newest restore points. */
  live(): Map<string, string[]> {
    const sets = new Map<string, string[]>()
    for (const { newest } of this.tracked.tables) {
      for (const [path, { components }] of newest?.sets ?? [])
        sets.set(path.slice(this.tracked.base.length + 1), [...components.keys()].sort())
    }
    return new Map([...sets].sort())
  }

  #given({ files, names }: Ready): Given {
    const set = files.path.slice(this.tracked.base.length + 1)
    return { set, step: this.#step, components: names.map(name => files.component(name)).sort() }
  }

  #path(path: string): string {
    return join(this.tracked.base, path)
  }

  /** What was there before. */
  #begin(): void {
    const tables = new Set(this.#steps.map(({ path }) => path.split('/').slice(0, 3).join('/')))
    mkdirSync(this.#path('outside'))
    for (const path of tables) mkdirSync(this.#path(path), { recursive: true })
    for (const set of this.recording.before) {
      const gone = this.#steps.filter(({ event, path }) => event === 'DELETE' && path.startsWith(`${set}-`))
      const components = gone.map(({ path }) => path.slice(set.length + 1)).filter(name => name !== 'TOC.txt')
      const isWhole = components.includes('Data.db')
      new Table(this.#path(dirname(set))).set(basename(set), isWhole ? { components } : {})
    }
    for (const path of tables) this.#scan(path, 'start')
  }

  #scan(directory: string, reason: 'start' | 'new'): void {
    this.#watched.add(directory)
    if (isCopy(directory) && !this.#snapshots) return
    const path = this.#path(directory)
    this.#events.push(() => {
      if (existsSync(path)) this.tracked.sensor.scanned(path, readTree(path), reason, true)
    })
  }

  #tell(lag: number): void {
    while (this.#events.length > lag) this.#events.shift()?.()
  }

  #do(step: Step, i: number): void {
    const { event, path } = step
    const full = this.#path(path)
    const directory = dirname(path)
    if (event === 'CREATE,ISDIR') mkdirSync(full, { recursive: true })
    else if (event === 'DELETE_SELF') {
      rmdirSync(full)
      this.#events.push(() => this.tracked.sensor.lost(full))
    } else if (event === 'SCAN_FOUND') this.#found(path, i)
    else if (event !== 'DELETE,ISDIR') {
      mkdirSync(dirname(full), { recursive: true })
      if (!this.#watched.has(directory)) this.#scan(directory, 'new')
      this.#file(step, i)
      if (isCopy(path) && !this.#snapshots) return
      const told = TOLD[event]
      if (told === undefined) throw new Error(`unknown event ${event}`)
      this.#events.push(() => this.tracked.event(full, told))
    }
  }

  #found(path: string, i: number): void {
    const directory = path.endsWith('/') ? path.slice(0, -1) : dirname(path)
    mkdirSync(this.#path(directory), { recursive: true })
    if (!path.endsWith('/')) this.#create(path, i)
    const next = this.#steps[i + 1]
    if (next?.event !== 'SCAN_FOUND' || dirname(next.path) !== directory) this.#scan(directory, 'new')
  }

  #file({ event, cookie, path }: Step, i: number): void {
    const full = this.#path(path)
    if (event === 'CREATE') {
      this.#replaced.delete(path)
      if (!existsSync(full)) this.#create(path, i)
    } else if (event === 'DELETE') rmSync(full, { force: true })
    else if (event === 'MOVED_FROM') {
      const to = this.#steps.slice(i).find(step => step.event === 'MOVED_TO' && step.cookie === cookie)
      if (to !== undefined) renameSync(full, this.#path(to.path))
    } else if (event === 'MOVED_TO') {
      this.#replaced.add(path)
      if (this.#steps.slice(0, i).some(step => step.event === 'MOVED_FROM' && step.cookie === cookie)) return
      writeFileSync(this.#path('outside/moved'), this.#content(path, i))
      renameSync(this.#path('outside/moved'), full)
    } else if (isTxnLog(path)) writeFileSync(full, this.recording.logs.get(i) ?? '')
    else if (path.endsWith('-TOC.txt')) writeFileSync(full, this.#content(path, i))
    // What was renamed over stays as it is: the close is of the file that was there before.
    else if (!this.#replaced.has(path)) appendFileSync(full, `, closed in step ${i}`)
  }

  /** A file that is being written; a hardlink where nobody ever writes it. */
  #create(path: string, i: number): void {
    const full = this.#path(path)
    const rest = this.#steps.slice(i + 1).filter(step => step.path === path)
    if (isTxnLog(path)) writeFileSync(full, '')
    else if (rest.find(({ event }) => event !== 'CREATE')?.event === 'CLOSE_WRITE') {
      writeFileSync(full, path.endsWith('-TOC.txt') ? '' : `created in step ${i}`)
    } else {
      const source = full.replace(/\/snapshots\/[^/]+|\/backups/, '').replace(/\.[0-9a-f-]{36}\.tmp$/, '')
      const isThere = source !== full && existsSync(source)
      const copy = this.#path(`outside/${i}`)
      if (!isThere) writeFileSync(copy, this.#content(path, i))
      linkSync(isThere ? source : copy, full)
    }
  }

  /** What a file holds that comes whole; TOC.txt lists what the set has once the operation is over. */
  #content(path: string, i: number): string {
    if (!path.endsWith('-TOC.txt')) return `written in step ${i}`
    const stem = path.slice(0, -'TOC.txt'.length)
    const components = new Set<string>(['TOC.txt'])
    const known = this.#path(dirname(path))
    for (const name of readdirSync(known)) {
      if (name.startsWith(basename(stem))) components.add(name.slice(basename(stem).length))
    }
    let { time = 0 } = this.#steps[i] ?? {}
    for (const step of this.#steps.slice(i)) {
      if (step.time - time >= BURST) break
      time = step.time
      if (!step.path.startsWith(stem) || step.path.endsWith('.tmp')) continue
      const component = step.path.slice(stem.length)
      if (step.event === 'DELETE' || step.event === 'MOVED_FROM') components.delete(component)
      else components.add(component)
    }
    return [...components].filter(component => !component.endsWith('.tmp')).join('\n')
  }
}

const TOLD: Readonly<Record<string, 'created' | 'closed' | 'moved-in' | 'gone'>> = {
  CREATE: 'created',
  CLOSE_WRITE: 'closed',
  MOVED_TO: 'moved-in',
  MOVED_FROM: 'gone',
  DELETE: 'gone',
}
