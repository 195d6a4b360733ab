import { TablesnapError } from '../../../src/errors.js'
import type { State } from '../../../src/manifest/state.js'
import { isS3Error } from '../../../src/s3/errors.js'
import type { Draft } from '../../../src/tables/ports.js'
import type { Table } from '../../../src/tables/table.js'
import type { Writer, WriterParts } from '../program.js'

import type { Mended } from './fixes.js'

const INTERVAL = 5_000
const SHARE = 100
const INTERVAL_CAP = 30_000
const GAP = 1_100
const DEBOUNCE = 50
const RETRY_BASE = 2_000
const RETRY_CAP = 300_000
const TIMES = 5

interface Pace {
  isWriting: boolean
  again: boolean
  failures: number
  last: number
  interval: number
  cancel: (() => void) | undefined
}

/** How the program wrote manifests before: its budget counted wall time, and a refused listing had the manifest written again. */
export class OldRecorder implements Writer {
  readonly failed = new Map<string, string>()
  readonly #parts: WriterParts
  readonly #mended: Mended
  readonly #paces = new Map<Table, Pace>()
  #running = 0
  #isFlushing = false
  #isStopped = false

  constructor(parts: WriterParts, mended: Mended) {
    this.#parts = parts
    this.#mended = mended
  }

  get isBusy(): boolean {
    return this.#running > 0 || [...this.#paces.values()].some(({ cancel }) => cancel !== undefined)
  }

  changed(table: Table): void {
    const pace = this.#pace(table)
    if (this.#isStopped) return
    if (pace.isWriting) pace.again = true
    if (pace.isWriting || pace.cancel !== undefined) return
    const interval = this.#isFlushing ? GAP : pace.interval
    this.#set(table, pace, Math.max(DEBOUNCE, pace.last + interval - this.#parts.clockwork.now()))
  }

  async flush(): Promise<void> {
    this.#isFlushing = true
    for (const [table, pace] of this.#paces) {
      if (pace.cancel === undefined) continue
      pace.cancel()
      pace.cancel = undefined
      this.changed(table)
    }
    while (this.isBusy) await new Promise<void>(resolve => this.#parts.clockwork.after(DEBOUNCE, resolve))
    this.#isFlushing = false
  }

  forget(table: Table): void {
    this.#paces.get(table)?.cancel?.()
    this.#paces.delete(table)
    this.failed.delete(table.name)
  }

  #pace(table: Table): Pace {
    let pace = this.#paces.get(table)
    if (pace === undefined) {
      pace = {
        isWriting: false,
        again: false,
        failures: 0,
        last: -Infinity,
        interval: INTERVAL,
        cancel: undefined,
      }
      this.#paces.set(table, pace)
    }
    return pace
  }

  #set(table: Table, pace: Pace, wait: number): void {
    pace.cancel = this.#parts.clockwork.after(Math.ceil(wait), () => {
      pace.cancel = undefined
      void this.#run(table, pace)
    })
  }

  async #run(table: Table, pace: Pace): Promise<void> {
    pace.isWriting = true
    pace.again = false
    this.#running++
    try {
      const isListed = await this.#record(table, pace)
      this.failed.delete(table.name)
      pace.failures = isListed ? 0 : pace.failures + 1
      if (!isListed) this.#again(table, pace)
    } catch (error) {
      if (error instanceof TablesnapError && error.code === 'FENCED') {
        this.#isStopped = true
        this.#parts.observer.fenced(error)
      }
      pace.failures++
      this.failed.set(table.name, String(error))
      this.#again(table, pace)
    }
    this.#running--
    this.#end(table, pace)
  }

  #end(table: Table, pace: Pace): void {
    pace.isWriting = false
    if (pace.again && pace.failures === 0) this.changed(table)
  }

  #again(table: Table, pace: Pace): void {
    if (this.#isStopped || this.#parts.isOneShot || this.#isFlushing) return
    pace.cancel?.()
    this.#set(table, pace, Math.min(RETRY_CAP, RETRY_BASE * 2 ** (pace.failures - 1)))
  }

  /** @returns whether the listings were written */
  async #record(table: Table, pace: Pace): Promise<boolean> {
    const { clockwork, listings, ownership, observer } = this.#parts
    const meter = () => {
      const now = clockwork.now()
      return this.#mended.has('quota') ? clockwork.cpuTime() : now
    }
    const began = meter()
    let draft = table.draft()
    const busy = meter() - began
    if (draft === undefined) return true
    try {
      const newer = this.#mended.has('mend') ? await this.#newer(table, draft) : undefined
      if (newer !== undefined) {
        table.failed(draft)
        table.adopt(newer)
        draft = table.draft()
        if (draft === undefined) return true
      }
      const state = { ...draft.state, node: 'node1', epoch: ownership.epoch }
      const isListed = (await listings.write(table, state)) || this.#mended.has('listdeny')
      await ownership.check()
      const written = await this.#write(isListed ? state : { ...state, unlisted: true })
      pace.last = clockwork.now()
      pace.interval = Math.max(INTERVAL, SHARE * busy)
      if (this.#mended.has('quota')) pace.interval = Math.min(INTERVAL_CAP, pace.interval)
      table.written(draft, written)
      if (!isListed) table.failed(draft)
      observer.published(table, { draft, state: written, isListed, busy })
      return isListed
    } catch (error) {
      if (draft !== undefined) table.failed(draft)
      throw error
    }
  }

  async #write(state: State): Promise<State> {
    for (let attempt = 0; ; attempt++) {
      const timed = { ...state, time: state.time + attempt }
      try {
        await this.#parts.store.write({ state: timed, delta: undefined }, () => Promise.resolve())
        return timed
      } catch (error) {
        if (attempt >= TIMES || !isS3Error(error, 412)) throw error
      }
    }
  }

  async #newer(table: Table, { state }: Draft): Promise<State | undefined> {
    if (state.unprotected.length + state.unexplained.length === 0) return undefined
    const [found] = await this.#parts.store.newest(table.name, 1)
    if (found === undefined || found.time <= (table.newest?.time ?? -Infinity)) return undefined
    const newer = await this.#parts.store.read(found.key)
    return newer.epoch === this.#parts.ownership.epoch ? newer : undefined
  }
}
