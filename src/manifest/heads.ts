import { eachOf } from '../concurrency.js'
import type { S3Client } from '../s3/client.js'
import { listPages, type ListedObject } from '../s3/list.js'

import type { KeyLayout, StateKey } from './keys.js'

/** What comes after all digits, with which the keys of a unit's manifests begin: the units below it come after that. */
const AFTER_DIGITS = ':'

/** Units that a page of keys has to bring if reading page by page is to go on. */
const MANY = 16

/** Requests under way at once. */
const AT_ONCE = 16

/** Knows the manifests of a node: their keys, their order, and the newest of each unit. */
export interface ManifestOrder {
  keyOf(object: ListedObject): StateKey | undefined
  rank(keys: Iterable<StateKey>): AsyncGenerator<StateKey>
  newest(unit: string): Promise<StateKey | undefined>
}

/** The resources for finding the newest manifests of all tables. */
export interface HeadsDeps {
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly states: ManifestOrder
  readonly signal: AbortSignal | undefined
}

/**
 * The newest manifest of every unit, in key order. While a page of 1,000 keys brings many units, page by page: 10,000 tables
 * with five restore points each take 50 requests. Where units have hundreds each, a page would be of one or two:
 * then the units' names come from LISTs with a delimiter, and each unit takes two LISTs of few keys, 16 at once.
 * @throws S3Error
 */
export async function* heads(deps: HeadsDeps): AsyncGenerator<StateKey> {
  const { client, keys, states, signal } = deps
  let unit: string | undefined
  let found: StateKey[] = []
  for await (const { objects } of listPages(client, { prefix: keys.states(''), signal })) {
    let units = 0
    for (const object of objects) {
      const key = states.keyOf(object)
      if (key === undefined) continue
      if (key.unit !== unit) {
        for await (const head of first(states.rank(found))) yield head
        unit = key.unit
        found = []
        units++
      }
      found.push(key)
    }
    if (unit === undefined || units >= MANY || objects.length < MANY * MANY) continue
    const head = await states.newest(unit)
    if (head !== undefined) yield head
    yield* walk(deps, `${keys.states(unit)}${AFTER_DIGITS}`)
    return
  }
  for await (const head of first(states.rank(found))) yield head
}

/** The first item, if there is one. */
async function* first<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  for await (const item of items) {
    yield item
    return
  }
}

/** The heads of the units whose keys all come after one, unit by unit along the tree of their names. */
async function* walk(deps: HeadsDeps, after: string): AsyncGenerator<StateKey> {
  const { client, keys, states, signal } = deps
  const root = keys.states('')
  const found: { prefix: string; head: StateKey }[] = []
  let waiting = [root]
  const visit = async (prefix: string): Promise<void> => {
    // Keys below a prefix sort before keys that begin with the prefix and the last character of Unicode.
    if (prefix !== root && compare(`${prefix}\u{10ffff}`, after) <= 0) return
    const children = async (): Promise<void> => {
      const options = { prefix, delimiter: '/', startAfter: `${prefix}${AFTER_DIGITS}`, signal }
      const all = { prefix, delimiter: '/', signal }
      for await (const { prefixes } of listPages(client, prefix === root ? all : options))
        waiting.push(...prefixes.filter(one => one !== prefix))
    }
    const own = async (): Promise<void> => {
      if (prefix === root || compare(prefix, after) <= 0) return
      const unit = states.keyOf({ key: `${prefix}${SAMPLE}`, size: 0, etag: '', lastModified: 0 })?.unit
      const head = unit === undefined ? undefined : await states.newest(unit)
      if (head !== undefined) found.push({ prefix, head })
    }
    await Promise.all([children(), own()])
  }
  while (waiting.length > 0) {
    const level = waiting
    waiting = []
    await eachOf(level, AT_ONCE, visit)
  }
  found.sort((a, b) => compare(a.prefix, b.prefix))
  for (const { head } of found) yield head
}

/** The end of a manifest's key, by which the unit of a prefix is found. */
const SAMPLE = '0000000000000-19700101T000000000Z.json.gz'

/** The order of keys is that of their bytes. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
