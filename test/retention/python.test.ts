import t from 'tap'

import { KeyLayout } from '../../src/manifest/keys.js'
import { parseRecord } from '../../src/node/node-record.js'
import { ChopScope } from '../../src/retention/scope.js'
import { FIXTURE } from '../restore/fixture.js'
import { Random } from '../manifest/random.js'

import { ModelBucket, ModelStore } from './model/bucket.js'
import { Turns } from './model/turns.js'
import { chopOnce, type Chopped } from './support.js'

const DAY = 86_400_000
const HOUR = 3_600_000
const KEYS = new KeyLayout('', 'node1', ':')

/** A bucket that the Python tablesnap wrote, and runs of tablechop on it. */
class PythonBucket {
  readonly #random = new Random(1)
  readonly #turns = new Turns(this.#random)
  readonly store = new ModelStore(this.#turns)

  /** @param now ms since 1970 */
  constructor(now: number) {
    this.#turns.now = now
  }

  /** Puts a file, or the listing of a directory. @param age ms */
  put(path: string, age: number, names?: readonly string[]): void {
    const directory = path.slice(0, path.lastIndexOf('/'))
    const body = names === undefined ? path : JSON.stringify({ [directory]: names })
    const key = `node1:${path}${names === undefined ? '' : '-listdir.json'}`
    this.store.put(key, Buffer.from(body), this.#turns.now - age)
  }

  /** Three runs, each two hours after the one before. @param age ms */
  async chop(age: number, path = '/var/lib/cassandra/data'): Promise<Chopped[]> {
    const results: Chopped[] = []
    const work = async (): Promise<void> => {
      for (let run = 0; run < 3; run++) {
        const bucket = new ModelBucket(this.store, this.#random)
        results.push(await chopOnce(bucket, KEYS, { age, grace: HOUR, scope: new ChopScope(path, true) }))
        await this.#turns.sleep(2 * HOUR)
      }
    }
    await this.#turns.run([work()])
    return results
  }
}

/** @param age of the newest object, ms */
function recorded(age: number): PythonBucket {
  const newest = Math.max(...FIXTURE.map(({ lastModified }) => Date.parse(lastModified)))
  const bucket = new PythonBucket(newest + age)
  for (const { key, lastModified, bodyBase64 } of FIXTURE)
    bucket.store.put(key, Buffer.from(bodyBase64, 'base64'), Date.parse(lastModified))
  return bucket
}

/** What no listing names that stays: an SSTable that was compacted, and temporary files. */
const UNNEEDED = [
  ...['nb-1-big-Data.db', 'nb-2-big-Data.db', 'nb-3-big-Data.db'].map(name => `${name}-listdir.json`),
  ...FIXTURE.map(({ key }) => key.replace(/^.*\//, '')).filter(
    name => /^nb-1-.*(?<!listdir\.json)$/.test(name) || name.endsWith('.tmp'),
  ),
].sort()

for (const days of [0, 1]) {
  await t.test(`what the Python tablesnap wrote, ${days} days later at an age of ${days}`, async t => {
    const bucket = recorded(days * DAY + HOUR)
    const [first, second, third] = await bucket.chop(days * DAY)
    t.same([first?.keys, first?.planned], [[], 14])
    t.same(second?.keys.map(key => key.replace(/^.*\//, '')).sort(), UNNEEDED)
    t.ok(
      second?.keys.slice(0, 3).every(key => key.endsWith('-listdir.json')),
      'listings go first',
    )
    t.same([third?.keys, third?.planned], [[], 0])
    t.equal(
      [...bucket.store.objects.keys()].filter(key => key.startsWith('node1:')).length,
      FIXTURE.length - 14,
    )
  })
}

await t.test('nothing of it goes at an age of 1 and of 1000 days while it is younger', async t => {
  for (const days of [1, 1000]) {
    const bucket = recorded(HOUR)
    for (const { keys, planned } of await bucket.chop(days * DAY)) t.same([keys, planned], [[], 0])
    const record = bucket.store.objects.get(KEYS.node)
    t.match(
      parseRecord(record?.body ?? Buffer.alloc(0)),
      { writer: '' },
      'tablesnap may claim the name later',
    )
  }
})

await t.test('nothing goes of the ten objects of which the Python tablechop deleted eight', async t => {
  const bucket = new PythonBucket(Date.UTC(2026, 10, 23))
  // A table that nobody has written to for long, and one beside the path whose name begins like it.
  for (const directory of ['/data/ks/cold-0a', '/data/ks_other/t-0b']) {
    bucket.put(`${directory}/nb-1-big-Data.db`, 40 * DAY)
    bucket.put(`${directory}/nb-1-big-Index.db`, 40 * DAY)
    bucket.put(`${directory}/nb-1-big-Data.db`, 40 * DAY, ['nb-1-big-Data.db', 'nb-1-big-Index.db'])
  }
  // A component on the way, before the Data.db whose listing will name it.
  bucket.put('/data/ks/hot-0c/nb-1-big-Data.db', DAY)
  bucket.put('/data/ks/hot-0c/nb-1-big-Data.db', DAY, ['nb-1-big-Data.db'])
  bucket.put('/data/ks/hot-0c/nb-2-big-Index.db', 0)
  // A file without a listing.
  bucket.put('/data/ks/flat/CommitLog-7-1.log', 40 * DAY)
  for (const age of [30 * DAY, 0]) {
    for (const { keys, planned } of await bucket.chop(age, '/data/ks')) t.same([keys, planned], [[], 0])
  }
})

await t.test('a listing that names what was never uploaded does not stand in for a whole one', async t => {
  const bucket = new PythonBucket(Date.UTC(2026, 10, 23))
  const names = ['nb-1-big-Data.db', 'nb-1-big-Index.db']
  for (const name of names) bucket.put(`/data/ks/t-0a/${name}`, 9 * DAY)
  bucket.put('/data/ks/t-0a/nb-1-big-Data.db', 9 * DAY, names)
  bucket.put('/data/ks/t-0a/nb-2-big-Data.db', 5 * DAY)
  bucket.put('/data/ks/t-0a/nb-2-big-Data.db', 5 * DAY, ['nb-2-big-Data.db', 'nb-3-big-Data.db'])
  for (const { keys } of await bucket.chop(0, '/data')) t.same(keys, [])
  bucket.put('/data/ks/t-0a/nb-3-big-Data.db', 4 * DAY)
  const deleted = (await bucket.chop(0, '/data')).flatMap(({ keys }) => keys)
  t.same(deleted.length, 3)
})
