import { TablesnapError } from '../errors.js'
import { FullManifest } from '../manifest/manifest-delta.js'
import type { ManifestStore } from '../manifest/manifest-store.js'
import type { StoredState } from '../manifest/manifest.js'
import type { State } from '../manifest/state.js'
import { isS3Error } from '../s3/errors.js'
import type { Draft } from '../tables/ports.js'
import { saysTheSame } from '../tables/same-manifest.js'
import type { Table } from '../tables/table.js'

import { ForeignManifests } from './foreign-manifests.js'
import type { Clockwork, Ownership, Plans, UpstreamListings } from './ports.js'

/** A restore point that is in the bucket. */
export interface Published {
  readonly draft: Draft
  /** As the bucket has it. */
  readonly state: State
  /** Whether its upstream listings are written, too. */
  readonly isListed: boolean
  /** CPU time of this thread that it took, ms. */
  readonly busy: number
}

/** Puts the restore points of tables into the bucket. */
export interface Publisher {
  /**
   * Publishes the table's next restore point, if it has one, and tells the table how that went.
   * @param earliest when it may be written, ms of the monotonic clock
   * @returns undefined when there is nothing to say
   * @throws TablesnapError `FENCED`; S3Error
   */
  publish(table: Table, earliest: number): Promise<Published | undefined>
  /** Writes the upstream listings of the newest manifest once more. @returns whether all of them are written @throws S3Error */
  list(table: Table): Promise<boolean>
}

/** Times that are tried, 1 ms apart, when other manifests have the first ones. */
const TIMES = 5

/** The error of a restore point that was drafted before the newest plan of tablechop was seen. */
const REPLANNED = 'NEW_PLAN'

/** How often at most a restore point is drafted anew for what another run wrote meanwhile. */
const MOST_LOOKS = 3

/**
 * Makes a manifest of the restore point that a table drafts, and puts it into the bucket: never without having made sure
 * that the node's name is still ours, and never beside a newer one of another run of this node that the table does not know.
 */
export class ManifestPublisher implements Publisher {
  readonly #store: ManifestStore
  readonly #listings: UpstreamListings
  readonly #ownership: Ownership
  readonly #clockwork: Clockwork
  readonly #node: string
  readonly #plans: Plans | undefined
  readonly #foreign: ForeignManifests
  readonly #bases = new WeakMap<
    Table,
    { readonly base: FullManifest; readonly version: number | undefined }
  >()

  /** @param node the node's name in the bucket @param plans undefined: nobody deletes objects */
  constructor(
    store: ManifestStore,
    listings: UpstreamListings,
    ownership: Ownership,
    clockwork: Clockwork,
    node: string,
    plans?: Plans,
  ) {
    this.#plans = plans
    this.#store = store
    this.#listings = listings
    this.#ownership = ownership
    this.#clockwork = clockwork
    this.#node = node
    this.#foreign = new ForeignManifests(store)
  }

  async publish(table: Table, earliest: number): Promise<Published | undefined> {
    try {
      return await this.#attempt(table, earliest)
    } catch (error) {
      if (!(error instanceof TablesnapError) || error.code !== REPLANNED) throw error
      return await this.#attempt(table, earliest)
    }
  }

  async #attempt(table: Table, earliest: number): Promise<Published | undefined> {
    const meter = new Meter(this.#clockwork)
    let version = this.#plans?.version
    let draft = meter.measure(() => table.draft())
    if (draft === undefined) return undefined
    try {
      await this.#wait(earliest)
      await this.#ownership.check()
      if (this.#plans?.version !== version || this.#concerns(table, draft)) {
        table.failed(draft)
        draft = undefined
        version = this.#plans?.version
        await this.#plans?.sweep(table)
        draft = meter.measure(() => table.draft())
        if (draft === undefined) return undefined
        if (this.#concerns(table, draft)) throw aboutToGo(table)
      }
      // Each time another run may have been faster.
      for (let looks = 0; draft !== undefined && looks < MOST_LOOKS; looks++) {
        const other = await this.#other(table, draft)
        if (other === undefined) break
        table.failed(draft)
        draft = undefined
        this.#foreign.note(table)
        meter.measure(() => table.adopt(other))
        draft = meter.measure(() => table.draft())
        if (draft !== undefined && this.#concerns(table, draft)) throw aboutToGo(table)
      }
      return draft && (await this.#put(table, draft, meter, version))
    } catch (error) {
      if (draft !== undefined) table.failed(draft)
      throw error
    }
  }

  /** The newest manifest of another run that the table does not know, where it matters. */
  async #other(table: Table, { state }: Draft): Promise<State | undefined> {
    // A run that ends may have begun long ago. Another run may go on saying that something is missing although it no longer is.
    const isAll = !table.isOneShot && [state, table.newest ?? state].every(isWhole)
    return isAll ? undefined : await this.#foreign.unknown(table, this.#ownership.epoch)
  }

  #concerns(table: Table, { state }: Draft): boolean {
    return this.#plans?.concerns(state, table.newest) === true
  }

  async list(table: Table): Promise<boolean> {
    const { newest } = table
    if (newest === undefined) return true
    await this.#ownership.check()
    return await this.#listings.write(table, newest)
  }

  async #wait(until: number): Promise<void> {
    const pause = until - this.#clockwork.now()
    if (pause > 0) await new Promise<void>(resolve => this.#clockwork.after(Math.ceil(pause), resolve))
  }

  /** @param version of the plans that the draft heeds */
  async #put(table: Table, draft: Draft, meter: Meter, version: number | undefined): Promise<Published> {
    const state = { ...draft.state, node: this.#node, epoch: this.#ownership.epoch }
    // First: whoever finds the manifest need not look for them.
    const isListed = await meter.measure(() => this.#listings.write(table, state))
    const { newest } = table
    // A listing that is refused again is nothing new to say.
    const isKnown =
      !isListed &&
      draft.isRepeat !== true &&
      newest?.unlisted === true &&
      newest.epoch === state.epoch &&
      saysTheSame(newest, state)
    const written = isKnown
      ? newest
      : await this.#write(table, isListed ? state : { ...state, unlisted: true }, meter, version)
    this.#foreign.note(table)
    table.written(draft, written)
    return { draft, state: written, isListed, busy: meter.busy }
  }

  /** @returns the state with the time that it got */
  async #write(table: Table, state: State, meter: Meter, version: number | undefined): Promise<State> {
    // Listings, an outage or a process that stood still may have taken longer than any plan waits.
    const guard = async (): Promise<void> => {
      await this.#ownership.check()
      if (this.#plans?.version === version) return
      const message = `tablechop has written a plan while the restore point of ${table.name} was on its way`
      throw new TablesnapError({ code: REPLANNED, message, step: { operation: 'publish' } })
    }
    const known = this.#bases.get(table)
    // A plan may name it: this one, or one that was seen while nothing was written, and is carried out and forgotten by now.
    const base = known?.version === version ? known?.base : undefined
    for (let attempt = 0; ; attempt++) {
      const timed = { ...state, time: state.time + attempt }
      const delta = base === undefined ? undefined : meter.measure(() => base.deltaOf(timed))
      const stored: StoredState = delta ?? { state: timed, delta: undefined }
      try {
        const { key, busy } = await this.#store.write(stored, guard)
        meter.add(busy)
        if (delta === undefined) this.#bases.set(table, { base: new FullManifest(key, timed), version })
        else base?.wrote(delta)
        return timed
      } catch (error) {
        if (attempt >= TIMES || !isS3Error(error, 412)) throw error
      }
    }
  }
}

function aboutToGo({ name }: Table): TablesnapError {
  return new TablesnapError({
    code: 'OBJECT_PLANNED',
    message: `tablechop is about to delete objects that the next restore point of ${name} needs, and they could not be copied`,
    step: { operation: 'publish' },
    retry: true,
  })
}

/** Adds up the CPU time of what is measured. */
class Meter {
  #busy = 0
  readonly #clockwork: Clockwork

  constructor(clockwork: Clockwork) {
    this.#clockwork = clockwork
  }

  /** ms. */
  get busy(): number {
    return this.#busy
  }

  /** Adds CPU time that the caller measured, ms. */
  add(busy: number): void {
    this.#busy += busy
  }

  /** If work continues later, only its first part is measured. */
  measure<T>(work: () => T): T {
    const before = this.#clockwork.cpuTime()
    const result = work()
    this.#busy += this.#clockwork.cpuTime() - before
    return result
  }
}

/** Whether a restore point lacks nothing, and nothing vanished without a reason. */
function isWhole({ unprotected, unexplained }: State): boolean {
  return unprotected.length === 0 && unexplained.length === 0
}
