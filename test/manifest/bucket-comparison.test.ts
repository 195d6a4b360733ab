import t from 'tap'

import { differences, standingOf } from '../../src/manifest/bucket-comparison.js'
import { compareKeys } from '../../src/manifest/key-order.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import { NamedObjects } from '../../src/manifest/named-objects.js'
import type { Entry, State } from '../../src/manifest/state.js'
import type { ListPage } from '../../src/s3/list.js'
import type { ObjectInfo } from '../../src/s3/object.js'
import { Random } from './random.js'

const KEYS = new KeyLayout('', 'n', ':')

const SEED = Number(process.env['SEED'] ?? 1)

const entry = (size: number): Entry => ({ size, mtime: 1n, inode: 1n, crc64: undefined, key: undefined })

async function named(sizes: ReadonlyMap<string, number>): Promise<NamedObjects> {
  const files = new Map([...sizes].map(([path, size]) => [path, entry(size)]))
  const nothing = { sets: new Map(), unexplained: [], unprotected: [], directories: new Map() }
  const state: State = { node: 'n', epoch: 1, unit: 'u', time: 1, gap: false, files, ...nothing }
  return (await NamedObjects.of([state], KEYS)).files
}

/** A bucket as LIST shows it, and how many pages of it were asked for. */
class Listed {
  pages = 0
  readonly #keys: readonly (readonly [string, number])[]

  constructor(
    sizes: ReadonlyMap<string, number>,
    private readonly options: { size?: number; ignoresStart?: boolean; empty?: () => boolean } = {},
  ) {
    this.#keys = [...sizes]
      .map(([path, size]) => [`n:${path}`, size] as const)
      .sort(([a], [b]) => compareKeys(a, b))
  }

  async *after(start: string): AsyncGenerator<ListPage> {
    const { size = 10, ignoresStart = false, empty = () => false } = this.options
    const keys = ignoresStart ? this.#keys : this.#keys.filter(([key]) => compareKeys(key, start) > 0)
    for (let at = 0; at === 0 || at < keys.length; at += size) {
      if (empty()) yield { objects: [], prefixes: [] }
      this.pages++
      const objects = keys
        .slice(at, at + size)
        .map(([key, size]) => ({ key, size, etag: '', lastModified: 0 }))
      yield { objects, prefixes: [] }
      await Promise.resolve()
    }
  }
}

async function compare(names: ReadonlyMap<string, number>, listed: Listed): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of differences(await named(names), start => listed.after(start))) found.push(key)
  return found
}

await t.test('what is missing or of another size is found, whatever lies around it', async t => {
  const random = new Random(SEED)
  for (let round = 0; round < 2_000; round++) {
    const names = new Map<string, number>()
    const bucket = new Map<string, number>()
    const lost: string[] = []
    for (let n = random.below(60); n > 0; n--) {
      const path = `/d${random.below(3)}/${random.pick(['a', '\ufffd', '😀'])}${random.below(200)}`
      if (bucket.has(path) || names.has(path)) continue
      const kind = random.weighted({ right: 5, missing: 1, other: 1, foreign: random.below(10) })
      if (kind !== 'foreign') names.set(path, 7)
      if (kind !== 'missing') bucket.set(path, kind === 'other' ? 8 : 7)
      if (kind === 'missing' || kind === 'other') lost.push(`n:${path}`)
    }
    const options = {
      size: 1 + random.below(8),
      ignoresStart: random.chance(0.3),
      empty: () => random.chance(0.2),
    }
    const found = await compare(names, new Listed(bucket, options))
    if (JSON.stringify(found) !== JSON.stringify(lost.sort(compareKeys)))
      return void t.same(found, lost, `round ${round}, SEED=${SEED}`)
  }
  t.pass(`SEED=${SEED}`)
})

await t.test('a page is asked for each 1,000 keys, and none for keys between that nothing names', async t => {
  const all = new Map(Array.from({ length: 1_000 }, (_, n) => [`/d/${String(n).padStart(4, '0')}`, 1]))
  const everything = new Listed(all, { size: 100 })
  t.same(await compare(all, everything), [])
  t.equal(everything.pages, 10)
  const few = new Listed(all, { size: 100 })
  t.same(await compare(new Map([...all].filter((_, n) => n === 5 || n === 995)), few), [])
  t.equal(few.pages, 2)
  const nothing = new Listed(all, { size: 100 })
  t.same(await compare(new Map(), nothing), [])
  t.equal(nothing.pages, 0)
  const none = new Listed(new Map(), { size: 100 })
  t.equal((await compare(all, none)).length, 1_000, 'an empty bucket')
  t.equal(none.pages, 1)
})

await t.test('a LIST without sizes, or in another order, proves nothing', async t => {
  t.same(await compare(new Map([['/a', 1]]), new Listed(new Map([['/a', NaN]]))), [])
  const unsorted = async function* (): AsyncGenerator<ListPage> {
    const objects = ['n:/b', 'n:/a'].map(key => ({ key, size: 1, etag: '', lastModified: 0 }))
    yield await Promise.resolve({ objects, prefixes: [] })
  }
  const found = differences(
    await named(
      new Map([
        ['/b', 1],
        ['/c', 1],
      ]),
    ),
    unsorted,
  )
  await t.rejects(found.next(), { code: 'LIST_UNSORTED', message: /n:\/a comes after n:\/b/ })
})

await t.test('HEAD says how an object stands to its manifest', t => {
  const entry = { size: 3, mtime: 1n, inode: 1n, crc64: '00000000000000ff', key: undefined }
  const object: ObjectInfo = {
    size: 3,
    etag: 'e',
    md5: undefined,
    opaque: false,
    lastModified: 0,
    metadata: {},
    checksums: { type: 'FULL_OBJECT' },
  }
  t.equal(standingOf(undefined, entry), 'missing')
  t.equal(standingOf(object, entry), 'right', 'nothing contradicts')
  t.equal(standingOf({ ...object, size: 4 }, entry), 'other')
  t.equal(standingOf({ ...object, checksums: { type: 'FULL_OBJECT', crc64nvme: 255n } }, entry), 'right')
  t.equal(standingOf({ ...object, checksums: { type: 'FULL_OBJECT', crc64nvme: 254n } }, entry), 'other')
  t.equal(standingOf({ ...object, checksums: { type: 'COMPOSITE', crc64nvme: 254n } }, entry), 'right')
  t.equal(standingOf({ ...object, metadata: { crc64nvme: '00000000000000fe' } }, entry), 'other')
  t.equal(
    standingOf({ ...object, metadata: { crc64nvme: '00000000000000fe' } }, { ...entry, crc64: undefined }),
    'right',
  )
  t.end()
})

await t.test('an object that a caller suspects is a difference of its own kind', async t => {
  const sizes = new Map([
    ['/a', 1],
    ['/b', 2],
    ['/c', 3],
  ])
  const found = differences(
    await named(new Map([...sizes, ['/c', 4]])),
    start => new Listed(sizes).after(start),
    ({ path }, { lastModified }) => lastModified === 0 && path !== '/a',
  )
  const kinds: [string, boolean][] = []
  for await (const { key, suspect } of found) kinds.push([key, suspect?.key === key])
  t.same(kinds, [
    ['n:/b', true],
    ['n:/c', false],
  ])
})
