import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import t from 'tap'

import { listObjects } from '../../src/s3/list.js'
import { FIXTURE, newestListing } from './fixture.js'

import { DATA, SlurpWorld, T1, T2, objects, run, tree } from '../support/slurp.js'

const world = await SlurpWorld.start(t)
const { bucket } = world.bucket

await t.test('the newest listing of the origin comes flat into the target, once', async t => {
  const target = world.target()
  const first = await world.slurp([bucket, T1, target])
  t.equal(first.code, 0, first.log)
  t.same(tree(target), objects(T1, newestListing(T1)))
  t.match(first.log, new RegExp(`${target} will be complete to the flush of `))
  t.equal(statSync(join(target, 'nb-4-big-Data.db')).mode & 0o777, 0o644)

  const second = await world.slurp([bucket, `${T1}//`, `${target}/`])
  t.equal(second.code, 0, second.log)
  t.match(second.log, /Nothing to do: all 23 files are already in place\n/)
})

await t.test('-f takes the listing named after a file', async t => {
  const listing = FIXTURE.find(({ key }) => key.endsWith('nb-1-big-Data.db-listdir.json'))
  const content = Buffer.from(listing?.bodyBase64 ?? '', 'base64').toString()
  const names = (JSON.parse(content) as Record<string, string[]>)[T1] ?? []
  t.equal(names.length, 16)
  const target = world.target()
  const { code, log } = await world.slurp(['-f', 'nb-1-big-Data.db', bucket, T1, target])
  t.equal(code, 0, log)
  t.same(tree(target), objects(T1, names))
  const other = await world.slurp(['-f', 'nb-9-big-Data.db', bucket, T1, world.target()])
  t.equal(other.code, 1)
  t.match(
    other.log,
    /no listing of .*\/t1-\w+ named after nb-9-big-Data.db, and no state that names it; there are listings of nb-4-big-Data.db, nb-3-big/,
  )
})

await t.test(
  '--at takes the listing that was the newest at that time, of the same second the one of the greatest key',
  async t => {
    const times = new Map<string, number>()
    for await (const { key, lastModified } of listObjects(world.bucket.client, { prefix: '' }))
      if (key.endsWith('-listdir.json')) times.set(key, lastModified)
    const listings = FIXTURE.filter(({ key }) => times.has(key) && key.startsWith(`node1:${T1}/`))
    const moments = new Map<number, string[]>()
    for (const { key, bodyBase64 } of listings.sort((a, b) => (a.key < b.key ? -1 : 1))) {
      const content = JSON.parse(Buffer.from(bodyBase64, 'base64').toString()) as Record<string, string[]>
      moments.set(times.get(key) ?? 0, content[T1] ?? [])
    }
    t.equal(moments.size, 3, 'two of the four are of the same second')
    for (const [time, names] of moments) {
      const target = world.target()
      const { code, log } = await world.slurp(['--at', new Date(time).toISOString(), bucket, T1, target])
      t.equal(code, 0, log)
      t.same(tree(target), objects(T1, names))
      const below = world.target()
      const all = await world.slurp(['-r', '--at', new Date(time).toISOString(), bucket, DATA, below])
      t.equal(all.code, 0, all.log)
      t.same(tree(below), {
        ...objects(T1, names, `ks1/${basename(T1)}`),
        ...objects(T2, newestListing(T2), `ks1/${basename(T2)}`),
      })
    }
    const first = Math.min(...moments.keys())
    const early = await world.slurp([
      '--at',
      new Date(first - 1000).toISOString(),
      bucket,
      T1,
      world.target(),
    ])
    t.equal(early.code, 1, early.log)
  },
)

await t.test('-r takes every directory with a listing, and names tables without', async t => {
  const index = `${T1}/.idx`
  const deep = `${DATA}/ks2/deep/down/t3-0a1b2c3d4e5f60718293a4b5c6d7e8f9`
  await world.table(index, 'nb-1-big')
  await world.table(deep, 'nb-1-big')
  await world.put(`node1:${DATA}_other/t/nb-1-big-Data.db`, 'not below')
  await world.put(`node1:${DATA}/notes/readme`, 'no SSTable')
  const target = world.target()
  const { code, log } = await world.slurp(['-r', bucket, DATA, target])
  t.equal(code, 0, log)
  const found = tree(target)
  t.match(found, {
    ...objects(T1, newestListing(T1), `ks1/${basename(T1)}`),
    ...objects(T2, newestListing(T2), `ks1/${basename(T2)}`),
  })
  t.ok(found[`ks1/${basename(T1)}/.idx/nb-1-big-Data.db`])
  t.ok(found['ks2/deep/down/t3-0a1b2c3d4e5f60718293a4b5c6d7e8f9/nb-1-big-Data.db'])
  t.equal(Object.keys(found).length, 23 + 8 + 4 + 4)
  t.match(log, /Left out .*\/notes: it has no upstream listing/)

  const table = world.target()
  t.equal((await world.slurp(['-r', bucket, T1, table])).code, 0)
  t.equal(Object.keys(tree(table)).length, 23 + 4, 'the origin itself, and its index')

  const key = `node1:${DATA}/ks2/lost/nb-1-big-Data.db`
  await world.put(key, 'data')
  const lost = await world.slurp(['-r', bucket, `${DATA}/ks2`, world.target()])
  t.equal(lost.code, 1)
  t.match(lost.log, /WARNING .*\/ks2\/lost is not restored: it has SSTables and no upstream listing/)
  t.equal((await world.slurp(['-r', '--partial', bucket, `${DATA}/ks2`, world.target()])).code, 0)
  await world.bucket.client.call({ operation: 'DeleteObject', method: 'DELETE', key })
})

await t.test('an origin without a listing: those near by are named', async t => {
  const target = world.target()
  const cases: [string[], RegExp][] = [
    [
      [`${DATA}/ks1/t1`],
      /no listing of .*\/ks1\/t1 in bucket bucket \(keys node1:.*\); there are those of [^,]*t1-0a1b/,
    ],
    [[`${DATA}/ks1/none`], /there are those of .*t1-0a1b.*t2-1111/],
    [[DATA], /there are those of .*; -r restores all that are below it/],
    [
      ['-r', '/elsewhere/deep'],
      /no listing of \/elsewhere\/deep or of anything below it .*there are those of .*t1-0a1b/,
    ],
    [['-n', 'nobody', T1], /nothing of nobody in bucket bucket .*; the bucket has node1: choose one with -n/],
    [['--commitlogs', '/none', DATA], /no commitlog segments of \/none in/],
  ]
  const runs = cases.map(async ([args, message]) => {
    const { code, log } = await world.slurp([...args.slice(0, -1), bucket, args.at(-1) ?? '', target])
    t.equal(code, 1, log)
    t.match(log.split('\n').at(-2), message)
  })
  await Promise.all(runs)
  t.same(tree(target), {})
})

await t.test('--commitlogs brings the segments, and nothing else', async t => {
  const names = [
    'CommitLog-7-1795404472517.log',
    'CommitLog-12-1795404472518.log',
    'CommitLog-1795404472518.log',
  ]
  const others = ['CommitLog-7-1795404472517_cdc.idx', 'CommitLog-7-x.log', 'CommitLog-7-1.log.tmp']
  for (const name of [...names, ...others]) await world.put(`node1:/commitlog/${name}`, name)
  const target = world.target()
  const { code, log } = await world.slurp(['--commitlogs', '/commitlog/', bucket, DATA, target])
  t.equal(code, 0, log)
  t.same(Object.keys(tree(target)), [...names].sort())
})

await t.test("-D's safety: conflicts, --force, --replace, --dry-run", async t => {
  const target = world.target()
  const dry = await world.slurp(['--dry-run', bucket, T1, target])
  t.equal(dry.code, 0, dry.log)
  t.match(dry.log, new RegExp(`Would restore ${T1}/nb-4-big to ${target}: 7 files`))
  mkdirSync(target)
  const other = join(target, 'nb-4-big-Data.db')
  writeFileSync(other, 'other')
  writeFileSync(join(target, 'nb-9-big-Data.db'), 'foreign')
  const refused = await world.slurp([bucket, T1, target])
  t.equal(refused.code, 1)
  t.match(refused.log, /nb-4-big is there with other content .*--force/)
  t.match(refused.log, /holds SSTables of another moment \(nb-9-big-Data.db\).*--replace/)
  t.equal(Object.keys(tree(target)).length, 2)
  const done = await world.slurp(['--force', '--replace', bucket, T1, target])
  t.equal(done.code, 0, done.log)
  t.match(tree(target), objects(T1, newestListing(T1)))
  rmSync(target, { recursive: true })
})

await t.test('what the listing names and the bucket lacks: exit code 1, or 0 with --partial', async t => {
  const directory = `${DATA}/ks3/t`
  await world.table(directory, 'nb-1-big')
  await world.bucket.client.call({
    operation: 'DeleteObject',
    method: 'DELETE',
    key: `node1:${directory}/nb-1-big-Index.db`,
  })
  const [plain, partial] = await Promise.all([
    world.slurp([bucket, directory, world.target()]),
    world.slurp(['--partial', bucket, directory, world.target()]),
  ])
  t.equal(plain.code, 1)
  t.match(plain.log, /nb-1-big-Index.db is missing from the bucket/)
  t.equal(partial.code, 0, partial.log)
})

await t.test('what tablesnap uploads comes back, prefix and separator included', async t => {
  const source = join(world.bucket.directory, 'live/ks/t')
  mkdirSync(source, { recursive: true })
  for (const component of ['Data.db', 'Index.db', 'Statistics.db']) {
    writeFileSync(join(source, `nb-1-big-${component}`), component)
  }
  writeFileSync(join(source, 'nb-1-big-TOC.txt'), 'Data.db\nIndex.db\nStatistics.db\nTOC.txt\n')
  const place = ['--prefix', 'pre/', '--keyname-separator', '|']
  const backup = await run('tablesnap', [
    ...world.bucket.flags,
    ...place,
    '-B',
    '--settle',
    '0',
    bucket,
    source,
  ])
  t.equal(backup.code, 0, backup.log)
  const target = world.target()
  const { code, log } = await world.slurp([...place, bucket, source, target])
  t.equal(code, 0, log)
  t.same(tree(target), tree(source))
})
