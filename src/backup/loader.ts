import { pauseAfter } from '../back-off.js'
import { TablesnapError, errorMessage } from '../errors.js'
import type { KeyLayout, StateKey } from '../manifest/keys.js'
import { isAhead, timeOf } from '../manifest/ranked.js'
import type { State } from '../manifest/state.js'
import type { States } from '../manifest/states.js'
import type { Fence } from '../node/fence.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import type { S3Client } from '../s3/client.js'
import type { Table } from '../tables/table.js'
import { counted } from '../report/format.js'

import { KnownObjects } from './known-objects.js'
import type { Clockwork } from './ports.js'
import type { Recovery } from './recovery.js'

/** The parts that the loader asks the bucket with. */
export interface LoaderDeps {
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly states: States
  readonly fence: Fence
  readonly log: Logger
  readonly signal: AbortSignal
}

/** How tables are loaded. */
export interface LoaderSettings {
  /** Whether objects of the original's count: what is there at the start is uploaded. */
  readonly looksForObjects: boolean
  /** Whether the run ends: a table of which the bucket cannot be asked counts as one without a restore point. */
  readonly isOneShot: boolean
}

/** Tables loaded at once. */
const AT_ONCE = 8

/** Tables beyond which one walk over all newest manifests is cheaper than a LIST for each. */
const FEW = 64

/** The name under which a problem of many tables at once is kept. */
const ALL = 'the newest restore points'

/** First pause before the bucket is asked again for a table, and the longest, ms. */
const AGAIN = { base: 1_000, cap: 30_000 }

/** Asks the bucket what it knows of tables: the newest restore point, or, where there is none, what the original put there. */
export class Loader {
  #isEmpty = false
  readonly #deps: LoaderDeps
  readonly #clockwork: Clockwork
  readonly #problems: Problems
  readonly #recovery: Recovery
  readonly #settings: LoaderSettings
  readonly #queue: Table[] = []
  readonly #objects = new WeakMap<Table, KnownObjects>()
  /** Tables that are to be asked for again, and what ends the pause before it. */
  readonly #refused = new Map<Table, () => void>()
  /** How often in a row the bucket could not be asked. */
  readonly #failures = new Map<Table, number>()
  #onNewest: (table: Table, newest: State, stored: number) => void = () => undefined
  #onLoaded: (table: Table) => void = () => undefined
  #waiting: (() => void)[] = []
  #turns: (() => void)[] = []
  #running = 0
  #isStopped = false
  #cancel: (() => void) | undefined

  constructor(
    deps: LoaderDeps,
    clockwork: Clockwork,
    problems: Problems,
    recovery: Recovery,
    settings: LoaderSettings,
  ) {
    this.#deps = deps
    this.#clockwork = clockwork
    this.#problems = problems
    this.#recovery = recovery
    this.#settings = settings
  }

  /** There is no bucket yet, and none is made: nothing is asked for. */
  expectNothing(): void {
    this.#isEmpty = true
  }

  /** Whether every table is loaded. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#queue.length === 0 && this.#refused.size === 0
  }

  /** Has `work` done with the newest restore point of each table that has one, and when it was stored (ms since 1970), before the table knows it. */
  onNewest(work: (table: Table, newest: State, stored: number) => void): void {
    this.#onNewest = work
  }

  /** Has `work` done for each table that is loaded. */
  onLoaded(work: (table: Table) => void): void {
    this.#onLoaded = work
  }

  /** Loads a table; {@link Table.loaded} is called later. */
  add(table: Table): void {
    this.#queue.push(table)
    // The scan that found it may still be finding directories of it.
    this.#cancel ??= this.#clockwork.after(0, () => {
      this.#cancel = undefined
      this.#pump()
    })
  }

  /** The objects that another program put into the bucket for a table's files; undefined: the table has a restore point, or is uploaded. */
  objectsOf(table: Table): KnownObjects | undefined {
    return this.#objects.get(table)
  }

  /** Forgets the objects of a table that the LIST at the start showed. */
  forget(table: Table): void {
    this.#objects.delete(table)
  }

  /** Resolves when every table is loaded, or the loader stopped. */
  async whenLoaded(): Promise<void> {
    if (!this.isIdle && !this.#isStopped) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  /** An outage is over: what waits is asked for now. */
  retry(): void {
    for (const [table, cancel] of [...this.#refused]) {
      cancel()
      this.#refused.delete(table)
      this.add(table)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#queue.length = 0
    this.#cancel?.()
    for (const cancel of this.#refused.values()) cancel()
    this.#refused.clear()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #pump(): void {
    if (this.#running === 0 && this.#queue.length > FEW && !this.#isEmpty) {
      const tables = this.#queue.splice(0)
      this.#running++
      void this.#walk(tables).finally(() => this.#ended())
      return
    }
    while (this.#running < AT_ONCE) {
      const table = this.#queue.shift()
      if (table === undefined) return
      this.#begin(table, async () => this.#deps.states.newest(table.name))
    }
  }

  /** Finds the newest manifests of many tables at once. */
  async #walk(tables: readonly Table[]): Promise<void> {
    const left = new Map(tables.map(table => [table.name, table]))
    try {
      for await (const head of this.#deps.states.heads()) {
        const table = left.get(head.unit)
        if (table === undefined) continue
        left.delete(head.unit)
        await this.#turn()
        this.#begin(table, () => Promise.resolve(head))
      }
    } catch (error) {
      // One cause is one line.
      const tables = counted(left.size, 'table')
      this.#problems.problem(
        ALL,
        `Cannot find out what the bucket holds of ${tables}: ${errorMessage(error)}`,
      )
      for (const table of left.values()) this.#again(table)
      return
    }
    this.#problems.solved(ALL)
    for (const table of left.values()) {
      await this.#turn()
      this.#begin(table, () => Promise.resolve(undefined))
    }
  }

  /** Waits until one more table may be loaded beside the others. */
  async #turn(): Promise<void> {
    while (this.#running > AT_ONCE) await new Promise<void>(resolve => this.#turns.push(resolve))
  }

  #begin(table: Table, find: () => Promise<StateKey | undefined>): void {
    this.#running++
    void this.#load(table, find)
      .catch((error: unknown) => this.#failed(table, error))
      .finally(() => this.#ended())
  }

  #ended(): void {
    this.#running--
    for (const resolve of this.#turns.splice(0)) resolve()
    this.#pump()
    if (this.isIdle) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** At most one LIST of one key and 2 GETs, or a LIST for each of its directories. @throws S3Error */
  async #load(table: Table, find: () => Promise<StateKey | undefined>): Promise<void> {
    const { client, keys, log, states, fence, signal } = this.#deps
    if (this.#isEmpty) {
      this.#loaded(table)
      return
    }
    const newest = await find()
    let newestTime: number | undefined
    if (newest !== undefined) {
      try {
        const read = await states.read(newest.key)
        // A time that lies in the future would put off all later ones: readers take it as of when it was stored, too.
        const state = isAhead(newest) ? { ...read, time: timeOf(newest) } : read
        if (state !== read) this.#tellAhead(table, newest)
        this.#loaded(table, { state, stored: newest.stored })
        return
      } catch (error) {
        if (!(error instanceof TablesnapError) || error.code !== 'STATE_CORRUPT') throw error
        log.error(`${errorMessage(error)}; tablesnap compares all of ${table.name} with the bucket again`, {
          key: newest.key,
        })
        newestTime = timeOf(newest)
      }
    }
    if (this.#settings.looksForObjects) {
      const known = new KnownObjects(fence.since)
      const directories = new Set<string>()
      for (const { directory } of table.files()) directories.add(directory)
      for (const directory of directories) await known.load(client, keys, directory, signal)
      this.#objects.set(table, known)
    }
    this.#loaded(table, undefined, newestTime)
  }

  #tellAhead({ name }: Table, { key, time, stored }: StateKey): void {
    const [said, was] = [time, stored].map(ms => new Date(ms).toISOString())
    this.#deps.log.warn(
      `${name}: the time of its newest restore point, ${said}, was in the future when the bucket received it, at ${was}: a clock was wrong. It counts from ${was}, and later restore points have the right time`,
      { key },
    )
  }

  #loaded(table: Table, newest?: { readonly state: State; readonly stored: number }, time?: number): void {
    if (this.#isStopped) return
    this.#failures.delete(table)
    this.#problems.solved(table.name)
    if (!this.#isEmpty) this.#recovery.succeeded()
    if (newest !== undefined) this.#onNewest(table, newest.state, newest.stored)
    table.loaded(newest?.state, time)
    this.#onLoaded(table)
  }

  #failed(table: Table, error: unknown): void {
    if (this.#isStopped) return
    const why = errorMessage(error)
    this.#problems.problem(table.name, `Cannot find out what the bucket holds of ${table.name}: ${why}`)
    this.#again(table)
  }

  /** Asks for a table again after a pause; a run that ends goes on as if the bucket held nothing of it. */
  #again(table: Table): void {
    if (this.#isStopped) return
    if (this.#settings.isOneShot) {
      table.loaded(undefined)
      this.#onLoaded(table)
      return
    }
    this.#recovery.failed()
    const failures = (this.#failures.get(table) ?? 0) + 1
    this.#failures.set(table, failures)
    const cancel = this.#clockwork.after(pauseAfter(failures, AGAIN), () => {
      this.#refused.delete(table)
      this.add(table)
    })
    this.#refused.set(table, cancel)
  }
}
