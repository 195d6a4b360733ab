import { existsSync, mkdirSync, readdirSync, rmSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'

import { FIXTURE, loadFixture, newestListing } from './fixture.js'
import { World, digest } from './support.js'

const TABLES = [...new Set(FIXTURE.map(({ key }) => key.slice('node1:'.length, key.lastIndexOf('/'))))]

const world = await World.start(t)
await loadFixture(world)

/** What the bucket holds under a path, as {@link World.tree} shows it. */
function objects(paths: readonly string[]): Record<string, string> {
  const wanted = new Set(paths)
  return Object.fromEntries(
    FIXTURE.map(
      ({ key, bodyBase64 }) =>
        [key.slice('node1:'.length), digest(Buffer.from(bodyBase64, 'base64'))] as const,
    ).filter(([path]) => wanted.has(path)),
  )
}

await t.test('--dry-run tells the plan and changes nothing', async t => {
  const summary = await world.restore({ dryRun: true, target: join(world.directory, 'unmade') })
  t.equal(summary.exitCode, 0)
  t.notOk(existsSync(join(world.directory, 'unmade')))
  t.same(world.log.like(/^info Would restore .*nb-4-big to .*: 7 files/).length, 1)
  t.notOk(world.log.like(/Downloading/).length)
})

await t.test('-D brings exactly what the newest listing of each directory names', async t => {
  const summary = await world.restore()
  const named = TABLES.flatMap(table => newestListing(table).map(name => `${table}/${name}`))
  t.same(world.tree(), objects(named))
  t.equal(Object.keys(world.tree()).length, named.length)
  t.match(summary, {
    exitCode: 0,
    sets: 4,
    files: named.length,
    missing: 0,
    failed: 0,
    skipped: 0,
    unverified: 0,
  })
  t.same(readdirSync(world.target), ['var'], 'nothing of ours is left')
  const key = `node1:${TABLES[0] ?? ''}/nb-4-big-Data.db`
  t.same(world.log.like(/ing node1:.*nb-4-big-Data.db$/), [
    `debug Downloading ${key}`,
    `debug Finished downloading ${key}`,
  ])
  t.equal(
    world.log.like(/^info Restored .*nb-\d+-big: \d files, .* in \d\.\d s$/).length,
    4,
    'one line an SSTable',
  )
  t.equal(
    world.log.like(/^info .* will be complete to the flush of .*Z; later writes are only in the commitlog/)
      .length,
    2,
  )
  const file = join(world.target, TABLES[0] ?? '', 'nb-4-big-Data.db')
  t.equal(statSync(file).mode & 0o777, 0o644)
  t.ok(Math.abs(statSync(file).mtimeMs - Date.now() - world.shift) < 60_000, 'it has the time of the object')
  t.equal(statSync(file).nlink, 1)
})

await t.test('a second run finds everything there', async t => {
  const before = world.tree()
  world.server.requests.length = 0
  const summary = await world.restore()
  t.match(summary, { exitCode: 0, sets: 0, files: 0, skipped: 31 })
  t.same(world.tree(), before)
  t.notOk(
    world.server.requests.some(({ operation, key }) => operation === 'GetObject' && !key.endsWith('.json')),
  )
})

await t.test('a set of which some files are there is completed', async t => {
  const before = world.tree()
  rmSync(join(world.target, TABLES[0] ?? '', 'nb-2-big-Index.db'))
  t.match(await world.restore(), { exitCode: 0, sets: 1, files: 1, skipped: 30 })
  t.same(world.tree(), before)
})

await t.test('Data.db comes last of its set', async t => {
  const target = join(world.directory, 'watched')
  const table = join(target, TABLES[0] ?? '')
  mkdirSync(table, { recursive: true })
  const arrivals: string[] = []
  const watcher = watch(table, (_event, name) => void arrivals.push(name ?? ''))
  await world.restore({ target })
  const complete = () => newestListing(TABLES[0] ?? '').every(name => arrivals.includes(name))
  for (let tries = 0; !complete() && tries < 100; tries++) await sleep(10)
  watcher.close()
  for (const set of ['nb-2-big', 'nb-3-big', 'nb-4-big']) {
    const own = arrivals.filter(name => name.startsWith(set))
    t.equal(own.indexOf(`${set}-Data.db`), new Set(own).size - 1, own.join(' '))
  }
})

await t.test('--all brings every data object, and no listing', async t => {
  const target = join(world.directory, 'all')
  const summary = await world.restore({ all: true, target })
  const data = FIXTURE.map(({ key }) => key.slice('node1:'.length)).filter(
    path => !path.endsWith('-listdir.json'),
  )
  t.same(world.tree(target), objects(data))
  t.match(summary, { exitCode: 0, files: data.length })
  t.ok(data.some(path => path.endsWith('.tmp')))
})

await t.test('under another name there is nothing: the names are told', async t => {
  await world.put('node1.example.com:/x', 'x')
  await world.put('.tablesnap/node1/node.json', '{}')
  await t.rejects(world.restore({ name: 'node' }), {
    code: 'NOTHING_FOUND',
    message:
      /nothing of node in bucket bucket .*; the bucket has node1, node1.example.com: choose one with -n/,
  })
  await t.rejects(world.restore({ prefix: 'other/' }), { code: 'NOTHING_FOUND', message: /--prefix/ })
  const broken = world.server.faults.add({
    on: 'ListObjectsV2',
    prefix: '',
    count: Infinity,
    fault: faults.internalError(),
  })
  await t.rejects(
    world.restore({ name: 'node' }),
    { code: 'NOTHING_FOUND', message: /the bucket has node1, …: choose one with -n/ },
    'a LIST of the whole bucket that fails spoils no hint',
  )
  t.ok(broken.hits > 0)
  broken.remove()
  await world.put('.tablesnap/node2/node.json', '{}')
  await t.rejects(world.restore({ name: 'node2' }), {
    code: 'NOTHING_FOUND',
    message: /there is no backup of node2 in bucket bucket yet/,
  })
})
