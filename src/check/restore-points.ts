import { TablesnapError } from '../errors.js'
import type { Epochs } from '../manifest/epochs.js'
import { parseStateKey, type KeyLayout, type StateKey } from '../manifest/keys.js'
import type { DecodedState } from '../manifest/manifest-decode.js'
import { kindOf, type ManifestKind } from '../manifest/manifest-facts.js'
import { decodeManifest } from '../manifest/manifest-in-place.js'
import { isAhead, ranked, timeOf } from '../manifest/ranked.js'
import { Reads } from '../retention/reads.js'
import type { ListedObject } from '../s3/list.js'

import type { CheckBucket } from './check-bucket.js'

/** Manifests that are read at once. */
const AT_ONCE = 16

/** One restore point of a table, as far as its manifest could be read. */
export interface Point {
  readonly key: string
  /** ms since 1970; when the server stored it, where its own time was in the future then. */
  readonly time: number
  readonly isAhead: boolean
  /** When the server stored it, ms since 1970. */
  readonly stored: number
  /** Undefined: it could not be read. */
  readonly kind: ManifestKind | undefined
  /** Key of the full manifest that it builds on; undefined: it is full. */
  readonly base: string | undefined
  readonly epoch: number
}

/** Lists and reads the manifests of a node, table by table. */
export class ManifestReader {
  readonly #bucket: CheckBucket
  readonly #keys: KeyLayout
  readonly #epochs: Epochs

  constructor(bucket: CheckBucket, keys: KeyLayout, epochs: Epochs) {
    this.#bucket = bucket
    this.#keys = keys
    this.#epochs = epochs
  }

  /** Takes a listed key apart; undefined where it is no manifest's. */
  keyOf({ key, lastModified }: ListedObject): StateKey | undefined {
    const root = this.#keys.states('')
    const parsed = key.startsWith(root) ? parseStateKey(key.slice(root.length)) : undefined
    return parsed === undefined ? undefined : { ...parsed, key, stored: lastModified }
  }

  /** The manifests of a unit as readers take them: the highest epoch first, then the newest. @throws S3Error */
  async *keysOf(unit: string): AsyncGenerator<StateKey> {
    yield* ranked(
      this.#listed(unit),
      () => Promise.resolve(this.#epochs),
      async ({ key }) => {
        const decoded = await this.read(key)
        return typeof decoded === 'string' ? 1 : decoded.state.epoch
      },
    )
  }

  async *#listed(unit: string): AsyncGenerator<StateKey> {
    // `/` comes before the digits of this unit's keys, and behind those of hidden directories below.
    const prefix = this.#keys.states(unit)
    for await (const { objects } of this.#bucket.pages({ prefix, startAfter: `${prefix}/` })) {
      for (const object of objects) {
        const key = this.keyOf(object)
        // The keys of a unit below another one come after all of this one's.
        if (key !== undefined && key.unit !== unit) return
        if (key !== undefined) yield key
      }
    }
  }

  /** @returns `gone` where it is not there any more, `corrupt` where it cannot be used @throws S3Error */
  async read(key: string): Promise<DecodedState | 'gone' | 'corrupt'> {
    try {
      const body = await this.#bucket.read(key)
      return body === undefined ? 'gone' : await decodeManifest(body, key, this.#keys)
    } catch (error) {
      if (error instanceof TablesnapError && error.code === 'STATE_CORRUPT') return 'corrupt'
      throw error
    }
  }

  /**
   * Reads all manifests of a unit, several at once.
   * @param take is given each one that can be read, in any order
   * @returns the restore points as readers take them
   * @throws S3Error
   */
  async readAll(unit: string, take: (state: DecodedState, key: string) => void): Promise<Point[]> {
    const points: (Point | undefined)[] = []
    const reads = new Reads(AT_ONCE)
    for await (const key of this.keysOf(unit)) {
      const index = points.length
      const { stored, facts } = key
      const about = { key: key.key, time: timeOf(key), isAhead: isAhead(key), stored }
      points.push({ ...about, kind: undefined, base: undefined, epoch: facts?.epoch ?? 1 })
      await reads.begin(async () => {
        const decoded = await this.read(key.key)
        if (decoded === 'gone') points[index] = undefined
        if (typeof decoded === 'string') return
        const { state, delta } = decoded
        points[index] = { ...about, kind: kindOf(state), base: delta?.base, epoch: state.epoch }
        take(decoded, key.key)
      })
    }
    await reads.end()
    return points.filter(point => point !== undefined)
  }
}
