import t from 'tap'

import type { CheckBucket, ListedKeys, OpenUpload } from '../../src/check/check-bucket.js'
import { ContentCheck } from '../../src/check/content-check.js'
import { Mends } from '../../src/check/mends.js'
import { NodeCheck } from '../../src/check/node-check.js'
import { loadConfig } from '../../src/config/load.js'
import { Epochs } from '../../src/manifest/epochs.js'
import { ChopScope } from '../../src/retention/scope.js'
import type { ListPage, ListedObject } from '../../src/s3/list.js'
import {
  COMPONENTS,
  GeneratedBucket,
  KEYS,
  NOW,
  PAGE,
  POINTS,
  SSTABLES,
  TABLES,
  idOf,
} from '../retention/generated-bucket.js'
import { grownSince, peakMemory } from '../support/memory.js'

/** Of each table the oldest restore points build on a full manifest that the generated bucket does not have. */
const BASELESS = 19

const ROOT = '/var/lib/cassandra/data'

/** The generated bucket, as tablecheck reads it. */
class GeneratedCheckBucket implements CheckBucket {
  pagesRead = 0
  readonly #bucket = new GeneratedBucket()

  now(): number {
    return NOW
  }

  async *pages({ prefix, delimiter, startAfter = '' }: ListedKeys): AsyncGenerator<ListPage> {
    const prefixes = delimiter === undefined ? [] : prefixesBelow(prefix)
    let objects: ListedObject[] = []
    const own = prefixes.length > 0 ? '' : prefix
    for (const object of own === '' ? [] : this.#objects(own)) {
      if (object.key <= startAfter) continue
      objects.push(object)
      if (objects.length < PAGE) continue
      this.pagesRead++
      yield { objects, prefixes: [] }
      objects = []
      await new Promise(resolve => setImmediate(resolve))
    }
    this.pagesRead++
    yield { objects, prefixes }
  }

  async read(key: string): Promise<Buffer | undefined> {
    return (await this.#bucket.read(key))?.body
  }

  head(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  async *uploads(): AsyncGenerator<OpenUpload> {
    yield* []
  }

  *#objects(prefix: string): Generator<ListedObject> {
    if (prefix.startsWith(KEYS.versions)) return
    const root = prefix.startsWith(KEYS.states('')) ? KEYS.states('') : KEYS.files
    const [, table] = /\/t(\d{3})-/.exec(prefix) ?? []
    for (const object of this.#bucket.listed(root, table === undefined ? undefined : Number(table)))
      if (object.key.startsWith(prefix)) yield object
  }
}

/** The directories right below one that is above the tables' own. */
function prefixesBelow(prefix: string): string[] {
  if (!prefix.startsWith(KEYS.files)) return []
  const all = Array.from({ length: TABLES }, (_, table) => `${KEYS.files}${ROOT}/${idOf(table)}/`)
  const found = new Set<string>()
  for (const key of all) {
    if (key === prefix || !key.startsWith(prefix)) continue
    found.add(key.slice(0, key.indexOf('/', prefix.length) + 1))
  }
  return [...found]
}

await t.test('a check of a million objects and 20,000 manifests', { timeout: 900_000 }, async t => {
  const bucket = new GeneratedCheckBucket()
  const began = performance.now()
  const memory = peakMemory(process.pid)
  const cpu = process.cpuUsage()
  const { config } = loadConfig({
    flags: new Map([['download', ['true']]]),
    positionals: ['backups', '/'],
    env: {},
    cwd: '/',
    home: undefined,
  })
  const { units, findings } = await new NodeCheck({
    bucket,
    keys: KEYS,
    epochs: new Epochs(1),
    scope: new ChopScope('/', true),
    contents: new ContentCheck(bucket, undefined, { deep: false, share: 0 }),
    mends: new Mends(config, 'node1'),
  }).run()
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const objects = TABLES * SSTABLES * COMPONENTS.length
  t.equal(units.length, TABLES)
  t.equal(
    units.reduce((sum, unit) => sum + unit.objects, 0),
    objects,
  )
  t.equal(
    units.reduce((sum, { restorable }) => sum + restorable, 0),
    TABLES * (POINTS - BASELESS),
  )
  t.same([...new Set(findings.map(({ kind }) => kind))], ['base-missing', 'orphans'])
  const mebibytes = grownSince(memory)
  // Below tap a process has some 280 MiB before the test begins; alone some 80.
  t.ok(mebibytes < 300, `the process grows by ${mebibytes} MiB at most`)
  t.comment(
    `${objects} objects: ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU time, ${mebibytes} MiB, ${bucket.pagesRead} pages`,
  )
})
