import type { Ownership } from '../../src/backup/ports.js'
import { TablesnapError } from '../../src/errors.js'
import type { ManifestKey, ManifestStore } from '../../src/manifest/manifest-store.js'
import type { StoredState } from '../../src/manifest/manifest.js'
import { applyDelta, type State } from '../../src/manifest/state.js'
import { saysTheSame } from '../../src/tables/same-manifest.js'

import { failure, type Network } from './network.js'
import type { Process } from './process.js'

/** A manifest that is in the bucket. */
export interface Manifest {
  readonly key: string
  readonly state: State
  /** The state with what its base says: its sets and files are all there are. */
  readonly isDelta: boolean
  /** Virtual time, ms. */
  readonly writtenAt: number
  /** The process that wrote it, and when that had started. */
  readonly writer: object
  readonly writerStartedAt: number
  /** Other processes that wrote the same under the same key. */
  readonly alsoBy: Set<object>
  /** When it was damaged, ms of virtual time. */
  unreadableSince: number | undefined
  /** Its writer was killed before it arrived. */
  readonly isOrphan: boolean
}

/** Whether a manifest comes after another one: by its epoch, then by its time. */
export function isLater(a: State, b: State): boolean {
  return a.epoch !== b.epoch ? a.epoch > b.epoch : a.time > b.time
}

/** The bucket, as its server has it. */
export class Bucket {
  /** By key: which content. */
  readonly objects = new Map<string, number>()
  /** By unit, in the order in which they were written. */
  readonly manifests = new Map<string, Manifest[]>()
  /** Who writes under the node's name. */
  owner = { writer: 1, epoch: 1 }
  readonly #onManifest: (manifest: Manifest) => void

  readonly #isLater: (a: State, b: State) => boolean

  constructor(onManifest: (manifest: Manifest) => void, later = isLater) {
    this.#onManifest = onManifest
    this.#isLater = later
  }

  /** Puts a file under its own key, or, where that has other content, under one of its version. Returns the key's own name. */
  putFile(path: string, content: number): string | undefined {
    const present = this.objects.get(path)
    if (present === content) return undefined
    if (present === undefined) {
      this.objects.set(path, content)
      return undefined
    }
    const key = `versions${path}~${content.toString(16)}`
    this.objects.set(key, content)
    return key
  }

  /** The content under a manifest's entry. */
  content(path: string, key: string | undefined): number | undefined {
    return this.objects.get(key ?? path)
  }

  /** The newest manifest of a unit, as the program orders them. */
  newest(unit: string): Manifest | undefined {
    let newest: Manifest | undefined
    for (const manifest of this.manifests.get(unit) ?? [])
      if (newest === undefined || this.#isLater(manifest.state, newest.state)) newest = manifest
    return newest
  }

  /** The manifests of a unit, the newest first. */
  ranked(unit: string): Manifest[] {
    const isLater = this.#isLater
    return [...(this.manifests.get(unit) ?? [])].sort((a, b) => (isLater(a.state, b.state) ? -1 : 1))
  }

  /** @throws S3Error 412 when another manifest has the time */
  putManifest(
    stored: StoredState,
    now: number,
    writer: { readonly isAlive: boolean },
    writerStartedAt: number,
  ): string {
    const { state, delta } = stored
    const key = `states/${state.unit}/${state.epoch}/${state.time}`
    const all = this.manifests.get(state.unit) ?? []
    const base = delta && all.find(manifest => manifest.key === delta.base)
    if (delta !== undefined && (base === undefined || base.isDelta))
      throw new Error(`the base ${delta.base} of a manifest is no full one`)
    const whole = delta === undefined || base === undefined ? state : applyDelta(base.state, state, delta)
    const present = all.find(manifest => manifest.key === key)
    if (present !== undefined) {
      // The same again: the answer to the first PUT was lost.
      const isSameForm = present.isDelta === (delta !== undefined)
      if (isSameForm && saysTheSame(present.state, whole) && present.state.epoch === state.epoch) {
        present.alsoBy.add(writer)
        return key
      }
      throw failure('PUT', 412)
    }
    const manifest = {
      key,
      state: whole,
      isDelta: delta !== undefined,
      writtenAt: now,
      writer,
      writerStartedAt,
      alsoBy: new Set<object>(),
      unreadableSince: undefined,
      isOrphan: !writer.isAlive,
    }
    all.push(manifest)
    this.manifests.set(state.unit, all)
    this.#onManifest(manifest)
    return key
  }
}

/** The manifests as a process has them, over the network. */
export class SimulatedManifests implements ManifestStore {
  readonly #startedAt: number

  constructor(
    readonly bucket: Bucket,
    readonly network: Network,
    readonly process: Process,
    readonly now: () => number,
  ) {
    this.#startedAt = now()
  }

  newest(unit: string, count: number): Promise<ManifestKey[]> {
    return this.network.call(this.process, 'LIST', () =>
      this.bucket
        .ranked(unit)
        .slice(0, count)
        .map(({ key, state }) => ({ key, time: state.time })),
    )
  }

  read(key: string): Promise<State> {
    return this.network.call(this.process, 'GET', () => {
      for (const manifests of this.bucket.manifests.values()) {
        const found = manifests.find(manifest => manifest.key === key)
        if (found === undefined) continue
        if (found.unreadableSince !== undefined)
          throw new TablesnapError({ code: 'STATE_CORRUPT', message: `${key} cannot be used` })
        return found.state
      }
      throw failure('GET', 404)
    })
  }

  async write(stored: StoredState): Promise<{ key: string; bytes: number; busy: number }> {
    const key = await this.network.call(this.process, 'PUT manifest', () =>
      this.bucket.putManifest(stored, this.now(), this.process, this.#startedAt),
    )
    return { key, bytes: 1000, busy: 0.1 }
  }
}

/** How old the last look at who owns the name may be, ms. */
const FRESH = 60_000

/** The fence, as a process has it. */
export class SimulatedOwnership implements Ownership {
  readonly epoch: number
  readonly #bucket: Bucket
  readonly #network: Network
  readonly #process: Process
  readonly #now: () => number
  #looked: number

  constructor(bucket: Bucket, network: Network, process: Process, now: () => number) {
    this.#bucket = bucket
    this.#network = network
    this.#process = process
    this.#now = now
    this.epoch = bucket.owner.epoch
    this.#looked = now()
  }

  async check(): Promise<void> {
    if (this.#now() - this.#looked < FRESH) return
    const began = this.#now()
    const { epoch } = await this.#network.call(this.#process, 'GET', () => this.#bucket.owner)
    if (epoch !== this.epoch)
      throw new TablesnapError({ code: 'FENCED', message: `epoch ${epoch} has the name` })
    this.#looked = began
  }
}
