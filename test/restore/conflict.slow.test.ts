import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'

import { TABLE, World, digest } from './support.js'

const world = await World.start(t)

/** A bucket with the sets 1 and 2 and a listing of both. */
async function withTwoSets(): Promise<void> {
  await world.list('nb-2-big-Data.db', [
    ...(await world.putSet('nb-1-big')),
    ...(await world.putSet('nb-2-big')),
  ])
}

await t.test('a set with other content is an error before the first byte; --force overwrites it', async t => {
  await world.reset()
  await withTwoSets()
  world.write(`${TABLE}/nb-1-big-Data.db`, 'other')
  const filter = world.write(`${TABLE}/nb-1-big-Unknown.db`, 'of the other SSTable')
  world.write(`${TABLE}/nb-1-big-TOC.txt`, 'content of nb-1-big-TOC.txt')
  const before = world.tree()
  world.server.requests.length = 0
  await t.rejects(world.restore(), {
    code: 'TARGET_CONFLICT',
    message: /nb-1-big is there with other content \(nb-1-big-Data.db, nb-1-big-Unknown.db\).*--force/,
  })
  t.same(world.tree(), before)
  t.notOk(
    world.server.requests.some(({ operation, key }) => operation === 'GetObject' && !key.endsWith('.json')),
  )
  t.match(await world.restore({ dryRun: true }), { exitCode: 1 })

  t.match(await world.restore({ force: true }), { exitCode: 0, sets: 2, files: 15, skipped: 1 })
  t.throws(
    () => readFileSync(filter),
    { code: 'ENOENT' },
    'no component of the other SSTable is left beside the new one',
  )
  t.equal(readFileSync(join(world.target, TABLE, 'nb-1-big-Data.db'), 'utf8'), 'content of nb-1-big-Data.db')
  t.equal(Object.keys(world.tree()).length, 16)
})

await t.test('the same size with other bytes is other content', async t => {
  await world.reset()
  await withTwoSets()
  const good = 'content of nb-1-big-Data.db'
  world.write(`${TABLE}/nb-1-big-Data.db`, good.replace('content', 'CONTENT'))
  await t.rejects(world.restore(), { code: 'TARGET_CONFLICT' })
})

await t.test('a component that Cassandra rewrote is exchanged by --force beside its Data.db', async t => {
  await world.reset()
  await withTwoSets()
  await world.restore()
  const sai = world.write(`${TABLE}/nb-1-big-SAI+aa+Meta.db`, 'made since')
  t.match(await world.restore(), { exitCode: 0, files: 0 }, 'a component made since is no conflict')
  world.write(`${TABLE}/nb-1-big-Statistics.db`, 'rewritten since')
  t.match(await world.restore(), { exitCode: 0, files: 0, skipped: 16 }, 'it stays as Cassandra left it')
  t.equal(world.log.like(/^warn .*nb-1-big-Statistics.db differs from the backup.*--force/).length, 1)
  t.match(await world.restore({ force: true }), { exitCode: 0, files: 1, skipped: 15 })
  t.equal(
    readFileSync(join(world.target, TABLE, 'nb-1-big-Statistics.db'), 'utf8'),
    'content of nb-1-big-Statistics.db',
  )
  t.equal(readFileSync(sai, 'utf8'), 'made since')
})

await t.test('newer SSTables beside all of the backup stay, and are no error', async t => {
  await world.reset()
  await withTwoSets()
  await world.restore()
  const newer = world.write(`${TABLE}/nb-9-big-Data.db`, 'flushed since')
  t.match(await world.restore(), { exitCode: 0, files: 0 })
  t.equal(readFileSync(newer, 'utf8'), 'flushed since')
  t.equal(world.log.like(/^info .*newer SSTables\. They stay/).length, 1)
})

await t.test('the newest content of a file that is no SSTable counts, wherever it lies', async t => {
  await world.reset()
  await withTwoSets()
  const key = `node1:/data/other/ballot.meta`
  await world.put(key, 'first')
  await setTimeout(1_100)
  await world.put('.tablesnap/node1/versions/data/other/ballot.meta~0123456789abcdef', 'second')
  await world.put(
    `.tablesnap/node1/versions${TABLE}/nb-1-big-Statistics.db~0123456789abcdef`,
    'not by the listing',
  )
  await world.restore()
  t.equal(readFileSync(join(world.target, '/data/other/ballot.meta'), 'utf8'), 'second')
  t.not(readFileSync(join(world.target, TABLE, 'nb-1-big-Statistics.db'), 'utf8'), 'not by the listing')
})

await t.test('several things against it are all told', async t => {
  await world.reset()
  await withTwoSets()
  world.write(`${TABLE}/nb-1-big-Data.db`, 'other')
  world.write(`${TABLE}/nb-2-big-Index.db`, 'other')
  await t.rejects(world.restore(), { code: 'RESTORE_REFUSED', message: /2 reasons/ })
  t.equal(world.log.like(/^error .*is there with other content/).length, 2)
})

await t.test('what is no file in the place of one is never overwritten', async t => {
  await world.reset()
  await withTwoSets()
  mkdirSync(join(world.target, TABLE), { recursive: true })
  const outside = join(world.directory, 'outside')
  writeFileSync(outside, 'mine')
  symlinkSync(outside, join(world.target, TABLE, 'nb-1-big-Data.db'))
  for (const force of [false, true]) await t.rejects(world.restore({ force }), { code: 'TARGET_BLOCKED' })
  t.equal(readFileSync(outside, 'utf8'), 'mine')
})

await t.test(
  'SSTables that the moment does not name: an error, or moved aside; never with --all',
  async t => {
    await world.reset()
    await withTwoSets()
    await world.put(`node1:${TABLE}/snapshots/now/nb-1-big-Data.db`, 'x')
    const foreign = ['nb-9-big-Data.db', 'nb-9-big-Index.db', 'nb-9-big-Statistics.db']
    for (const name of foreign) world.write(`${TABLE}/${name}`, `local ${name}`)
    world.write(`${TABLE}/nb-8-big-Index.db`, 'an orphan is no SSTable')
    world.write(`${TABLE}/snapshots/now/nb-9-big-Data.db`, 'Cassandra does not read it')
    await t.rejects(world.restore(), { code: 'TARGET_FOREIGN', message: /\(nb-9-big-Data.db\).*--replace/ })
    await t.rejects(world.restore({ force: true }), { code: 'TARGET_FOREIGN' }, '--force is no --replace')
    t.match(await world.restore({ all: true, target: world.target }), { exitCode: 0 })

    t.match(await world.restore({ replace: true }), { exitCode: 0, files: 0, skipped: 17 })
    const [aside = ''] = readdirSync(world.target).filter(name => name.startsWith('.tablesnap-replaced-'))
    for (const name of foreign)
      t.equal(readFileSync(join(world.target, aside, TABLE, name), 'utf8'), `local ${name}`)
    t.notOk(Object.keys(world.tree()).some(path => path.startsWith(`${TABLE}/nb-9`)))
    t.equal(world.tree()[`${TABLE}/nb-8-big-Index.db`], digest('an orphan is no SSTable'))
    t.equal(world.log.like(/^info Moved 3 files .* to .*\.tablesnap-replaced-\d{8}T/).length, 1)
    t.match(await world.restore(), { exitCode: 0, skipped: 17 }, 'and then nothing is against it')
  },
)

await t.test('with --replace nothing moves before the first set is there', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await world.client.call({
    operation: 'DeleteObject',
    method: 'DELETE',
    key: `node1:${TABLE}/nb-1-big-Index.db`,
  })
  await world.put(`node1:${TABLE}/nb-1-big-Index.db`, 'x')
  world.write(`${TABLE}/nb-9-big-Data.db`, 'local')
  world.server.faults.add({ on: 'GetObject', key: /Index/, count: Infinity, fault: faults.corrupt(0) })
  t.match(await world.restore({ replace: true }), { exitCode: 1, failed: 8 })
  t.same(Object.keys(world.tree()), [`${TABLE}/nb-9-big-Data.db`])
})

await t.test('with --replace what would mix is gone before the first set is there', async t => {
  await world.reset()
  await withTwoSets()
  world.write(`${TABLE}/nb-9-big-Data.db`, 'local')
  world.server.faults.add({
    on: 'GetObject',
    key: /nb-2-big-Index/,
    count: Infinity,
    fault: faults.corrupt(0),
  })
  t.match(await world.restore({ replace: true }), { exitCode: 1, sets: 1, failed: 8 })
  t.equal(Object.keys(world.tree()).filter(path => path.startsWith(TABLE)).length, 8)
})

await t.test('files that a process holds open are neither replaced nor moved', async t => {
  await world.reset()
  await withTwoSets()
  const data = world.write(`${TABLE}/nb-9-big-Data.db`, 'held')
  const holder = spawn('sleep', ['60'], { stdio: [openSync(data, 'r'), 'ignore', 'ignore'] })
  const ended = new Promise(resolve => holder.on('exit', resolve))
  await new Promise(resolve => holder.on('spawn', resolve))
  await t.rejects(world.restore({ replace: true }), {
    code: 'TARGET_IN_USE',
    message: new RegExp(`process ${holder.pid ?? 0} \\(\\w+\\) holds files open .*stop Cassandra first`),
  })
  holder.kill()
  await ended
  t.match(await world.restore({ replace: true }), { exitCode: 0 })
})
