import { dirname, join } from 'node:path'

import { tableOfUnit } from '../cassandra/unit.js'
import { TablesnapError } from '../errors.js'
import type { Epochs } from '../manifest/epochs.js'
import { KeySet } from '../manifest/key-set.js'
import { parseStateKey, type KeyLayout, type StateKey } from '../manifest/keys.js'
import type { DecodedState } from '../manifest/manifest-decode.js'
import { kindOf } from '../manifest/manifest-facts.js'
import { decodeManifest } from '../manifest/manifest-in-place.js'
import { ranked, timeOf } from '../manifest/ranked.js'
import type { State } from '../manifest/state.js'
import type { ListedObject } from '../s3/list.js'

import type { DeletionRule, TablePoints } from './deletion-rule.js'
import type { Going, IsNews } from './going.js'
import type { RetentionBucket } from './ports.js'
import { Reads } from './reads.js'

/** The restore points of a unit, as far as the fate of its objects hangs on them. */
export interface UnitPoints extends TablePoints {
  /** Whether all of its directories lie below the path: otherwise nothing of it goes. */
  readonly isMeant: boolean
  /** Its directories that do not. */
  readonly elsewhere: readonly string[]
  /** Whether a complete restore point not later than the cutoff is kept: no older one counts then. */
  readonly hasCutoff: boolean
  /** When the oldest one was stored, ms since 1970. */
  readonly oldest: number
  /** Restore points that stay, and how many of them each reason holds. */
  readonly kept: number
  readonly complete: number
  readonly reasons: ReadonlyMap<string, number>
  readonly gone: number
}

/** A manifest as LIST shows it. */
interface ListedManifest extends StateKey {
  readonly object: ListedObject
}

/** Manifests that are read at once. */
const AT_ONCE = 16

/**
 * Goes through the manifests of a node by LIST, decides which stay, and reads those: what they name is kept. It holds the keys of
 * one table's manifests that a take-over may still put into another order, and hashes of what is named.
 */
export class ManifestSurvey {
  /** Keys that restore points name which stay. */
  readonly named = new KeySet()
  /** Keys that other restore points name, or build on, which came after the plan that is to be carried out. */
  readonly recent = new KeySet()
  readonly units = new Map<string, UnitPoints>()
  readonly #bucket: RetentionBucket
  readonly #keys: KeyLayout
  readonly #rule: DeletionRule
  readonly #epochs: Epochs
  readonly #isNews: IsNews
  readonly #reads = new Reads(AT_ONCE)

  /** @param isNews whether an object came after the plan that is to be carried out */
  constructor(bucket: RetentionBucket, keys: KeyLayout, rule: DeletionRule, epochs: Epochs, isNews: IsNews) {
    this.#bucket = bucket
    this.#keys = keys
    this.#rule = rule
    this.#epochs = epochs
    this.#isNews = isNews
  }

  /** The manifests that go. @throws S3Error; TablesnapError `STATE_CORRUPT`: it may name anything; `BUCKET_CHANGED` */
  async *run(): AsyncGenerator<Going> {
    const listed = this.#bucket.list(this.#keys.states(''))[Symbol.asyncIterator]()
    let next = await this.#next(listed)
    while (next !== undefined) {
      const { unit } = next
      const take = async function* (this: ManifestSurvey): AsyncGenerator<ListedManifest> {
        for (; next?.unit === unit; next = await this.#next(listed)) yield next
      }
      yield* this.#unit(unit, take.call(this))
    }
    await this.#reads.end()
  }

  async #next(listed: AsyncIterator<ListedObject>): Promise<ListedManifest | undefined> {
    const root = this.#keys.states('')
    for (;;) {
      const result = await listed.next()
      if (result.done === true) return undefined
      const object = result.value
      const parsed = object.key.startsWith(root) ? parseStateKey(object.key.slice(root.length)) : undefined
      // Nobody knows what else may be there: it stays.
      if (parsed !== undefined) return { ...parsed, key: object.key, stored: object.lastModified, object }
    }
  }

  async *#unit(unit: string, listed: AsyncGenerator<ListedManifest>): AsyncGenerator<Going> {
    const selection = this.#rule.selection()
    const bases = new Set<number>()
    /** Of those that go, and came after the plan. */
    const news = new Set<number>()
    /** They go if an older one is complete. */
    const waiting: ListedManifest[] = []
    const reasons = new Map<string, number>()
    let [kept, complete, gone, newest, oldest] = [0, 0, 0, -Infinity, Infinity]
    let elsewhere: readonly string[] | undefined
    const order = ranked(
      listed,
      () => Promise.resolve(this.#epochs),
      async key => (await this.#read(key)).state.epoch,
    )
    for await (const key of order) {
      newest = Math.max(newest, key.stored)
      oldest = Math.min(oldest, key.stored)
      let body: DecodedState | undefined
      const read = async (): Promise<DecodedState> => (body ??= await this.#read(key))
      elsewhere ??= directoriesOf((await read()).state).filter(directory => !this.#rule.holds(directory))
      const isComplete = async (): Promise<boolean> =>
        (key.facts?.kind ?? kindOf((await read()).state)) === 'complete'
      const why = await selection.reasons(timeOf(key), isComplete)
      if (this.#rule.keepsBases && bases.has(key.time)) why.push('base')
      const isMeant = elsewhere.length === 0
      if (selection.hasComplete)
        for (const one of waiting.splice(0)) {
          gone++
          yield goingOf(one)
        }
      if (isMeant && why.length === 0) {
        if (this.#isNews(key.object)) {
          await this.#nameRecent(key, body)
          const base = await this.#baseOf(key, read)
          if (base !== undefined) news.add(base)
        }
        if (news.has(key.time)) this.recent.add(key.key)
        if (selection.hasComplete) {
          gone++
          yield goingOf(key)
        } else waiting.push(key)
        continue
      }
      for (const reason of why) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      kept++
      if (key.facts?.kind === 'complete' || (key.facts === undefined && (await isComplete()))) complete++
      // Those of a table outside the path name nothing inside: only snapshots, backups and the like name objects of others.
      if (!isMeant && tableOfUnit(unit) !== undefined) continue
      const base = await this.#baseOf(key, read)
      if (base !== undefined) bases.add(base)
      await this.#name(key, body)
    }
    // Without a complete restore point all of them stay.
    for (const key of waiting) {
      kept++
      await this.#name(key, undefined)
    }
    this.units.set(unit, {
      isMeant: elsewhere?.length === 0,
      elsewhere: elsewhere ?? [],
      newest,
      oldest,
      hasComplete: selection.hasComplete,
      hasCutoff: selection.hasCutoff,
      kept,
      complete,
      reasons,
      gone,
    })
  }

  /** Time of the full manifest that one builds on; undefined: it is full. */
  async #baseOf({ facts }: ListedManifest, read: () => Promise<DecodedState>): Promise<number | undefined> {
    if (facts !== undefined) return facts.base
    const root = this.#keys.states('')
    const { delta } = await read()
    return delta?.base.startsWith(root) === true
      ? parseStateKey(delta.base.slice(root.length))?.time
      : undefined
  }

  async #name(key: ListedManifest, body: DecodedState | undefined): Promise<void> {
    await this.#reads.begin(async () => this.#addTo(this.named, key.unit, body ?? (await this.#read(key))))
  }

  /** One that goes, but came after the plan: what it names is not deleted before it is. */
  async #nameRecent(key: ListedManifest, body: DecodedState | undefined): Promise<void> {
    await this.#reads.begin(async () => {
      const read = body ?? (await this.#find(key))
      if (read !== undefined) this.#addTo(this.recent, key.unit, read)
    })
  }

  /** A manifest that was to go stays: what it names counts as {@link recent}, and what it builds on. @throws S3Error */
  async protect(key: string): Promise<void> {
    const object = await this.#bucket.read(key)
    if (object === undefined) return
    const body = await decodeManifest(object.body, key, this.#keys)
    if (body.delta !== undefined) this.recent.add(body.delta.base)
    this.#addTo(this.recent, body.state.unit, body)
  }

  /** A delta names less than it and its base together; the base stays as well, and names the rest. */
  #addTo(named: KeySet, unit: string, { state }: DecodedState): void {
    const add = (path: string, own: string | undefined): void => {
      const key = own ?? `${this.#keys.files}${path}`
      if (this.#rule.keeps(unit, key)) named.add(key)
    }
    for (const [path, { components }] of state.sets)
      for (const [component, { key }] of components) add(`${path}-${component}`, key)
    for (const [path, { key }] of state.files) add(path, key)
  }

  async #read(key: ListedManifest): Promise<DecodedState> {
    const found = await this.#find(key)
    if (found !== undefined) return found
    throw new TablesnapError({
      code: 'BUCKET_CHANGED',
      message: `manifest ${key.key} was deleted by somebody else while tablechop ran: nothing was deleted; run it again`,
      step: { operation: 'retain', key: key.key },
    })
  }

  async #find({ key }: ListedManifest): Promise<DecodedState | undefined> {
    const object = await this.#bucket.read(key)
    return object === undefined ? undefined : decodeManifest(object.body, key, this.#keys)
  }
}

/** The directories of a unit; where its manifest tells none, its files do, or its name. */
function directoriesOf({ unit, directories, sets, files }: State): string[] {
  if (directories.size > 0) return [...directories.keys()]
  const found = new Set([...sets.keys(), ...files.keys()].map(path => dirname(path)))
  return found.size > 0 ? [...found] : [join('/', unit)]
}

function goingOf({ unit, facts, object }: ListedManifest): Going {
  return { unit, object, phase: facts !== undefined && facts.base === undefined ? 'manifests' : 'deltas' }
}
