import { createHash } from 'node:crypto'

import { TablesnapError } from '../errors.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { firstObject, listObjects, type ListOptions } from '../s3/list.js'
import { getObject, putObject, storageHeaders } from '../s3/object.js'
import type { ObjectSettings } from '../s3/settings.js'

import { parseStateKey, type KeyLayout, type StateKey } from './keys.js'
import { applyDelta, type State } from './state.js'
import { decodeState, encodeState, type StoredState } from './state-json.js'

/** Characters before and after all digits, with which the keys of a unit's states begin. */
const BEFORE_DIGITS = '/'
const AFTER_DIGITS = ':'

/** Units that are asked for before the question is whether there are any states at all. */
const FEW = 8

/** The states that a bucket holds of one node. */
export class States {
  readonly #client: S3Client
  readonly #keys: KeyLayout
  readonly #signal: AbortSignal | undefined
  /** Whether the bucket has none, as far as nobody else writes under this name. */
  #none: Promise<boolean> | undefined
  /** Units that were asked for. */
  #asked = 0

  constructor(client: S3Client, keys: KeyLayout, signal?: AbortSignal) {
    this.#client = client
    this.#keys = keys
    this.#signal = signal
  }

  /** The units that have states, in key order; one LIST each. @throws S3Error */
  async *units(): AsyncGenerator<string> {
    for await (const { unit } of this.heads()) yield unit
  }

  /** The newest state's key of every unit, in key order; one LIST each. @throws S3Error */
  async *heads(): AsyncGenerator<StateKey> {
    const prefix = this.#keys.states('')
    let startAfter: string | undefined
    for (;;) {
      const options = startAfter === undefined ? { prefix } : { prefix, startAfter }
      const found = await firstObject(this.#client, { ...options, signal: this.#signal })
      if (found === undefined) return
      const { key } = found
      const parsed = parseStateKey(key.slice(prefix.length))
      if (parsed === undefined) {
        startAfter = key
        continue
      }
      yield { ...parsed, key }
      startAfter = `${this.#keys.states(parsed.unit)}${AFTER_DIGITS}`
    }
  }

  /** Keys of a unit's states, the newest first. @param until the latest time that counts, ms since 1970 @throws S3Error */
  async *keysOf(unit: string, until?: number): AsyncGenerator<StateKey> {
    for await (const { key } of listObjects(this.#client, this.#from(unit, until))) {
      const parsed = parseStateKey(key.slice(this.#keys.states('').length))
      if (parsed === undefined) continue
      // A unit may lie below another one; all of its keys come after.
      if (parsed.unit !== unit) return
      if (until === undefined || parsed.time <= until) yield { ...parsed, key }
    }
  }

  /** The newest state's key of a unit; one LIST of one key. @param until as in {@link keysOf} @throws S3Error */
  async newest(unit: string, until?: number): Promise<StateKey | undefined> {
    if (++this.#asked > FEW && (await this.#isEmpty())) return undefined
    const found = await firstObject(this.#client, this.#from(unit, until))
    const key = found?.key
    if (key !== undefined) this.#none = Promise.resolve(false)
    const parsed = key === undefined ? undefined : parseStateKey(key.slice(this.#keys.states('').length))
    return parsed?.unit === unit && key !== undefined ? { ...parsed, key } : undefined
  }

  /** Of the ten thousand tables of a node that has no states yet not each has to be asked for. */
  #isEmpty(): Promise<boolean> {
    const prefix = this.#keys.states('')
    this.#none ??= firstObject(this.#client, { prefix, signal: this.#signal }).then(
      first => first === undefined,
    )
    // A failure is no answer.
    this.#none.catch(() => (this.#none = undefined))
    return this.#none
  }

  /** Where a unit's states begin in a LIST. Keys begin with a time that runs backwards, so what is later comes before. */
  #from(unit: string, until: number | undefined): Omit<ListOptions, 'maxKeys'> {
    const prefix = this.#keys.states(unit)
    const startAfter =
      until === undefined
        ? // A unit below this one may begin with a character before all digits.
          `${prefix}${BEFORE_DIGITS}`
        : this.#keys.state(unit, until + 1).replace(/-[^-]*$/, '.')
    return { prefix, startAfter, signal: this.#signal }
  }

  /**
   * A state with what its base says; at most 2 GETs.
   * @throws S3Error; TablesnapError `STATE_CORRUPT`, also when it is filed under another unit
   */
  async read(key: string): Promise<State> {
    const { state, delta } = await this.#get(key)
    if (delta === undefined) return state
    const base = await this.#get(delta.base).catch((error: unknown) => {
      throw isS3Error(error, 404) ? corrupt(key, `its base ${delta.base} is missing`) : error
    })
    if (base.delta !== undefined || base.state.unit !== state.unit)
      throw corrupt(key, `its base ${delta.base} is no full state of ${state.unit}`)
    return applyDelta(base.state, state, delta)
  }

  /**
   * What a state says of itself, without its base: its time, and what it lacks; `sets` and `files` may be those of a delta.
   * One GET.
   * @throws S3Error; TablesnapError `STATE_CORRUPT`
   */
  async outline(key: string): Promise<State> {
    return (await this.#get(key)).state
  }

  /**
   * Writes a state under the key of its time.
   * @returns the key, its bytes, and how long the thread was busy with making it, ms
   * @throws S3Error 412 when another state has the time
   */
  async write(
    stored: StoredState,
    settings: ObjectSettings,
  ): Promise<{ key: string; bytes: number; busy: number }> {
    const began = performance.now()
    this.#none = Promise.resolve(false)
    const key = this.#keys.state(stored.state.unit, stored.state.time)
    const body = encodeState(stored)
    const md5 = createHash('md5').update(body).digest()
    const guarded = { body, headers: { 'Content-MD5': md5.toString('base64') } }
    const headers = { ...storageHeaders(settings), 'Content-Type': 'application/gzip' }
    const busy = performance.now() - began
    try {
      await putObject(this.#client, key, guarded, { headers, ifAbsent: true, signal: this.#signal })
    } catch (error) {
      // The answer to our own PUT may have been lost.
      if (!isS3Error(error, 412, 409) || !(await this.#holds(key, body))) throw error
    }
    return { key, bytes: body.length, busy }
  }

  async #holds(key: string, body: Buffer): Promise<boolean> {
    const object = await getObject(this.#client, key, { signal: this.#signal })
    return object.body.equals(body)
  }

  async #get(key: string): Promise<StoredState> {
    const root = this.#keys.states('')
    const parsed = key.startsWith(root) ? parseStateKey(key.slice(root.length)) : undefined
    if (parsed === undefined) throw corrupt(key, 'it is no state of this node')
    const { body } = await getObject(this.#client, key, { signal: this.#signal })
    const stored = decodeState(body, key)
    const { unit, time } = stored.state
    if (parsed.unit !== unit) throw corrupt(key, `it is of unit ${unit}`)
    if (parsed.time !== time) throw corrupt(key, `it is of ${new Date(time).toISOString()}`)
    return stored
  }
}

function corrupt(key: string, why: string): TablesnapError {
  return new TablesnapError({
    code: 'STATE_CORRUPT',
    message: `state ${key} cannot be used: ${why}`,
    operation: 'read state',
    key,
  })
}
