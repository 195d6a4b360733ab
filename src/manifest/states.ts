import { TablesnapError } from '../errors.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { listObjects, listPages, type ListOptions, type ListedObject } from '../s3/list.js'
import { getObject, putObject, storageHeaders } from '../s3/object.js'
import type { ObjectSettings } from '../s3/settings.js'

import { readEpochs, type Epochs } from './epochs.js'
import { heads } from './heads.js'
import { parseStateKey, type KeyLayout, type ParsedStateKey, type StateKey } from './keys.js'
import { sameTotals, type DecodedState } from './manifest-decode.js'
import { encodeState } from './manifest-encode.js'
import { bytesOf, factsOf } from './manifest-facts.js'
import { decodeManifest } from './manifest-in-place.js'
import { corrupt, type StoredState } from './manifest.js'
import { ranked } from './ranked.js'
import { applyInPlace, type Entry, type State, type StateSet, type Totals } from './state.js'

/** What comes before all digits, with which the keys of a unit's manifests begin: a unit below may begin with less. */
const BEFORE_DIGITS = '/'

/** Units that are asked for before the question is whether there are any states at all. */
const FEW = 8

/** The manifests that a bucket holds of one node. */
export class States {
  readonly #client: S3Client
  readonly #keys: KeyLayout
  readonly #signal: AbortSignal | undefined
  /** Whether the bucket has none, as far as nobody else writes under this name. */
  #none: Promise<boolean> | undefined
  #epochs: Promise<Epochs> | undefined
  /** Units that were asked for. */
  #asked = 0

  constructor(client: S3Client, keys: KeyLayout, signal?: AbortSignal) {
    this.#client = client
    this.#keys = keys
    this.#signal = signal
  }

  /** The units that have manifests, in key order. @throws S3Error */
  async *units(): AsyncGenerator<string> {
    for await (const { unit } of this.heads()) yield unit
  }

  /** The newest manifest of every unit, in key order; see {@link heads} for the requests that it takes. @throws S3Error */
  heads(): AsyncGenerator<StateKey> {
    return heads({ client: this.#client, keys: this.#keys, states: this, signal: this.#signal })
  }

  /** The manifests of every unit, each unit's as {@link keysOf} has them; a request for 1,000. @throws S3Error */
  async *all(): AsyncGenerator<{ unit: string; keys: AsyncGenerator<StateKey> }> {
    let found: StateKey[] = []
    let unit: string | undefined
    for await (const object of listObjects(this.#client, {
      prefix: this.#keys.states(''),
      signal: this.#signal,
    })) {
      const key = this.keyOf(object)
      if (key === undefined) continue
      if (unit !== undefined && key.unit !== unit) {
        yield { unit, keys: this.rank(found) }
        found = []
      }
      unit = key.unit
      found.push(key)
    }
    if (unit !== undefined) yield { unit, keys: this.rank(found) }
  }

  /**
   * Keys of a unit's manifests as readers take them: the highest epoch first, then the newest.
   * @param until the latest time that counts, ms since 1970
   * @throws S3Error
   */
  async *keysOf(unit: string, until?: number): AsyncGenerator<StateKey> {
    yield* this.rank(this.#byTime(unit, until))
  }

  /** Manifests of one unit that come by time, the newest first, in the order in which readers take them. @throws S3Error */
  rank(keys: AsyncIterable<StateKey> | Iterable<StateKey>): AsyncGenerator<StateKey> {
    return ranked(
      keys,
      () => this.#readEpochs(),
      key => this.#epochOf(key),
    )
  }

  /** Takes a listed key apart; undefined when it is no manifest's. */
  keyOf({ key, lastModified }: ListedObject): StateKey | undefined {
    const parsed = this.#parse(key)
    return parsed === undefined ? undefined : { ...parsed, key, stored: lastModified }
  }

  /**
   * The key of a unit's newest manifest: mostly one LIST of two keys.
   * @param until as in {@link keysOf}
   * @throws S3Error
   */
  async newest(unit: string, until?: number): Promise<StateKey | undefined> {
    return (await this.some(unit, 1, until))[0]
  }

  /**
   * The keys of a unit's newest manifests, as {@link keysOf} has them: mostly one LIST of one key more.
   * @param until as in {@link keysOf}
   * @throws S3Error
   */
  async some(unit: string, count: number, until?: number): Promise<StateKey[]> {
    const keys: StateKey[] = []
    if (++this.#asked > FEW && (await this.#isEmpty())) return keys
    for await (const key of this.rank(this.#byTime(unit, until, count + 1))) {
      this.#none = Promise.resolve(false)
      if (keys.push(key) >= count) break
    }
    return keys
  }

  /** Keys of a unit's manifests by time. @param few keys that are asked for at first; the rest page by page */
  async *#byTime(unit: string, until?: number, few?: number): AsyncGenerator<StateKey> {
    const options = this.#from(unit, until)
    let last: string | undefined
    if (few !== undefined) {
      const first = await this.#page(options, few)
      yield* this.#of(unit, first)
      last = first.at(-1)?.key
      if (first.length < few || last === undefined || this.#parse(last)?.unit !== unit) return
    }
    const rest = last === undefined ? options : { ...options, startAfter: last }
    for await (const object of listObjects(this.#client, rest)) {
      const key = this.keyOf(object)
      if (key === undefined) continue
      // A unit may lie below another one; all of its keys come after.
      if (key.unit !== unit) return
      yield key
    }
  }

  *#of(unit: string, objects: readonly ListedObject[]): Generator<StateKey> {
    for (const object of objects) {
      const key = this.keyOf(object)
      if (key?.unit === unit) yield key
    }
  }

  /** The first keys of a LIST: a server may begin with pages that have none. */
  async #page(options: Omit<ListOptions, 'maxKeys'>, maxKeys: number): Promise<ListedObject[]> {
    const objects: ListedObject[] = []
    for await (const page of listPages(this.#client, { ...options, maxKeys })) {
      objects.push(...page.objects)
      if (objects.length >= maxKeys) break
    }
    return objects
  }

  /** A node without manifests may have ten thousand tables: one LIST shows that none of them has to be asked for. */
  #isEmpty(): Promise<boolean> {
    const prefix = this.#keys.states('')
    this.#none ??= this.#page({ prefix, signal: this.#signal }, 1).then(({ length }) => length === 0)
    this.#none.catch(() => (this.#none = undefined))
    return this.#none
  }

  /** Where a unit's manifests begin in a LIST. Keys begin with a time that runs backwards, so what is later comes before. */
  #from(unit: string, until: number | undefined): Omit<ListOptions, 'maxKeys'> {
    const prefix = this.#keys.states(unit)
    const startAfter = until === undefined ? `${prefix}${BEFORE_DIGITS}` : this.#keys.statesUntil(unit, until)
    return { prefix, startAfter, signal: this.#signal }
  }

  #readEpochs(): Promise<Epochs> {
    this.#epochs ??= readEpochs(this.#client, this.#keys, this.#signal)
    // A failure is no answer.
    this.#epochs.catch(() => (this.#epochs = undefined))
    return this.#epochs
  }

  /** The epoch of a manifest whose key does not tell it. One that cannot be read may be the newest: whoever reads it is told. */
  async #epochOf({ key }: StateKey): Promise<number> {
    try {
      return (await this.outline(key)).epoch
    } catch (error) {
      if (error instanceof TablesnapError && error.code === 'STATE_CORRUPT')
        return (await this.#readEpochs()).current ?? 1
      throw error
    }
  }

  /**
   * A restore point with what its base says; at most 2 GETs.
   * @throws S3Error; TablesnapError `STATE_CORRUPT`, also when the manifest is filed under another unit, or its key says other
   * things of it than it does
   */
  async read(key: string): Promise<State> {
    const { state, delta, own } = await this.#get(key)
    if (delta === undefined) return state
    const base = await this.#get(delta.base).catch((error: unknown) => {
      throw isS3Error(error, 404) ? corrupt(key, `its base ${delta.base} is missing`) : error
    })
    if (base.delta !== undefined || base.state.unit !== state.unit)
      throw corrupt(key, `its base ${delta.base} is no full state of ${state.unit}`)
    const totals = totalsTogether(base, { state, own }, delta.removed)
    if (delta.totals !== undefined && !sameTotals(delta.totals, totals))
      throw corrupt(key, `it is no delta of ${delta.base}: together they name other files than it counts`)
    const { sets, files } = base.state
    applyInPlace({ sets, files }, state, delta.removed)
    return { ...state, sets, files }
  }

  /**
   * What a manifest says of itself, without its base: its time, and what it lacks; `sets` and `files` may be those of a delta.
   * One GET.
   * @throws S3Error; TablesnapError `STATE_CORRUPT`
   */
  async outline(key: string): Promise<State> {
    return (await this.#get(key)).state
  }

  /**
   * Writes a manifest under a key that says what it is.
   * @returns the key, its bytes, and how long the thread was busy with making it, ms
   * @throws S3Error 412 when another manifest has the time and says the same of itself; TablesnapError `STATE_TOO_LARGE`,
   * `KEY_TOO_LONG`
   */
  async write(
    stored: StoredState,
    settings: ObjectSettings,
    guard?: () => Promise<void>,
  ): Promise<{ key: string; bytes: number; busy: number }> {
    this.#none = Promise.resolve(false)
    const { state, delta } = stored
    const { body, md5, totals, busy } = await encodeState(stored)
    const base = delta === undefined ? undefined : (this.#parse(delta.base)?.time ?? 0)
    const facts = totals === undefined ? undefined : factsOf(state, totals, base)
    const key = this.#keys.state(state.unit, state.time, facts)
    const guarded = { body, headers: { 'Content-MD5': md5.toString('base64') } }
    const headers = { ...storageHeaders(settings), 'Content-Type': 'application/gzip' }
    try {
      await putObject(this.#client, key, guarded, { headers, ifAbsent: true, signal: this.#signal, guard })
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

  #parse(key: string): ParsedStateKey | undefined {
    const root = this.#keys.states('')
    return key.startsWith(root) ? parseStateKey(key.slice(root.length)) : undefined
  }

  async #get(key: string): Promise<DecodedState> {
    // Before it is asked for: a hostile manifest may name any key as its base.
    if (this.#parse(key) === undefined) throw corrupt(key, 'it is no state of this node')
    const { body } = await getObject(this.#client, key, { signal: this.#signal })
    return decodeManifest(body, key, this.#keys)
  }
}

/** How much a delta and its base name together. */
function totalsTogether(
  base: DecodedState,
  { state, own }: { state: DecodedState['state']; own: Totals },
  removed: readonly string[],
): Totals {
  let { sets, files, bytes } = base.own
  const gone = new Set(removed)
  const leave = (set: StateSet | undefined, file: Entry | undefined): void => {
    if (set !== undefined) {
      sets--
      bytes -= bytesOf(set)
    }
    if (file !== undefined) {
      files--
      bytes -= file.size
    }
  }
  for (const path of gone) leave(base.state.sets.get(path), base.state.files.get(path))
  for (const path of state.sets.keys()) if (!gone.has(path)) leave(base.state.sets.get(path), undefined)
  for (const path of state.files.keys()) if (!gone.has(path)) leave(undefined, base.state.files.get(path))
  return { sets: sets + own.sets, files: files + own.files, bytes: bytes + own.bytes }
}
