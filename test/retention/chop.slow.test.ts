import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { ChopScope } from '../../src/retention/scope.js'
import { BucketStates, entriesOf } from '../support/bucket-states.js'

import { ChopNode } from './support.js'

const UNIT = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

await t.test('what no restore point needs goes, an hour after the plan for it', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const states = new BucketStates(node)
  await world.replacedTable()
  t.equal((await states.all()).length, 2)
  const first = await world.chop({ grace: 3_600_000 })
  t.same(first.keys, [])
  t.equal(first.planned, 1 + 8 + 1)
  const early = await world.chop({ grace: 3_600_000 })
  t.same([early.keys, early.planned], [[], undefined])
  t.ok((early.ripeAt ?? 0) > Date.now())
  const second = await world.chop()
  t.equal(second.keys.length, 10)
  t.match(second.keys[0], /\/states\//, 'the manifest goes first')
  t.match(second.keys[1], /-listdir\.json$/)
  t.equal((await states.all()).length, 1)
  t.same(await states.problems(await states.all()), [])
  const left = await node.keys(node.key(''))
  t.same(
    left.filter(key => key.includes('nb-1-')),
    [],
  )
  const third = await world.chop()
  t.same([third.keys, third.planned], [[], 0])
})

await t.test('content that comes back while its object is planned gets a key of its own', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const table = node.table()
  const states = new BucketStates(node)
  table.flush('nb-1-big')
  const copies = new Map(table.paths('nb-1-big').map(path => [path, readFileSync(path)]))
  await node.backUp()
  world.pass()
  for (const path of copies.keys()) rmSync(path)
  table.flush('nb-2-big')
  await node.backUp()
  world.pass()
  await world.chop()
  for (const [path, content] of copies) writeFileSync(path, content)
  const run = await node.backUp()
  t.match(run.log, /tablechop is about to delete 10 objects: tablesnap treats them as missing/)
  const newest = await states.newest(UNIT)
  const keys = [...(newest?.sets.get(`${table.path}/nb-1-big`)?.components.values() ?? [])].map(
    ({ key }) => key,
  )
  t.equal(keys.length, 8)
  for (const key of keys) t.match(key, /^\.tablesnap\/node1\/versions\/.*~[0-9a-f]{16}-[0-9a-f]{16}$/)
  world.pass()
  const { keys: deleted } = await world.chop()
  t.equal(deleted.length, 10)
  t.same(await states.problems(await states.all()), [])
  world.pass()
  await node.backUp(['--md5-on-start'])
  t.same(await states.problems(await states.all()), [], 'the keys are free again after two more plans')
})

await t.test('what a run trusts by its size is copied if it is planned', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const table = node.table()
  table.flush('nb-1-big')
  table.flush('nb-2-big')
  // As the Python program left it: objects, and a newer listing that does not name the first SSTable.
  const list = async (names: readonly string[]): Promise<void> => {
    const body = JSON.stringify({ [table.path]: names })
    await node.bucket.put(`node1:${table.path}/${names.at(-1) ?? ''}-listdir.json`, body)
  }
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  for (const path of table.paths()) await node.bucket.put(`node1:${path}`, readFileSync(path))
  world.pass()
  await list([...table.names('nb-2-big')].reverse())
  world.pass()
  const { planned } = await world.chop()
  t.equal(planned, 8)
  world.pass()
  const run = await node.backUp()
  t.equal(run.code, 0, run.log)
  const states = new BucketStates(node)
  const newest = await states.newest(UNIT)
  const data = newest?.sets.get(`${table.path}/nb-1-big`)?.components.get('Data.db')
  t.match(data?.key, /versions\/.*~[0-9a-f]{16}-[0-9a-f]{16}$/)
  t.equal(newest?.sets.get(`${table.path}/nb-2-big`)?.components.get('Data.db')?.key, undefined)
  await world.chop()
  for (const [path, { size, key }] of entriesOf(newest!)) {
    const { body } = await node.bucket.get(key ?? `node1:${path}`)
    t.equal(body.length, size, path)
  }
})

await t.test('a key that cannot be deleted is named, and what it names stays', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const states = new BucketStates(node)
  await world.replacedTable()
  await world.chop()
  const [oldest] = [...(await states.all())]
  t.ok(oldest)
  const manifests = (await node.bucket.list('.tablesnap/node1/states/')).map(({ key }) => key)
  const key = manifests.at(-1) ?? ''
  const refusal = `<DeleteResult><Error><Key>${key}</Key><Code>AccessDenied</Code><Message>it is locked</Message></Error></DeleteResult>`
  node.bucket.server.faults.add({ on: 'DeleteObjects', fault: faults.document(refusal) })
  const { failures, keys } = await world.chop()
  t.same(failures, [{ key, why: 'AccessDenied it is locked' }])
  t.same(keys.length, 1, 'the listing')
  t.same(await states.problems(await states.all()), [], 'the manifest can be restored')
  world.pass()
  t.equal((await world.chop()).keys.length, 9, 'the next run ends it')
})

await t.test(
  'a locked object is named, stays, and is no failure; what a versioned bucket keeps is counted',
  async t => {
    const world = await ChopNode.create(t)
    const { faults: script } = world.node.bucket.server
    await world.replacedTable()
    await world.chop()
    const held = (await world.node.bucket.list('.tablesnap/node1/states/')).at(-1)?.key ?? ''
    const [listing = ''] = (await world.node.bucket.list('node1:'))
      .map(({ key }) => key)
      .filter(key => key.endsWith('nb-1-big-Data.db-listdir.json'))
    const locked = `<DeleteResult><Error><Key>${held}</Key><Code>AccessDenied</Code><Message>locked</Message></Error></DeleteResult>`
    const hidden = `<DeleteResult><Deleted><Key>${listing}</Key><DeleteMarker>true</DeleteMarker></Deleted></DeleteResult>`
    script.add({ on: 'DeleteObjects', fault: faults.document(locked) })
    script.add({ on: 'DeleteObjects', fault: faults.document(hidden) })
    const until = new Date(Date.now() + 86_400_000).toISOString()
    const headers = { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': until }
    script.add({ on: 'HeadObject', key: held, fault: faults.answer(200, '', { headers }) })
    const { deleted, locked: kept, failures } = await world.chop()
    t.same([kept, failures], [[held], []])
    t.match(deleted, { locked: 1, hidden: 1, failed: 0 })
    t.ok(deleted.hiddenBytes > 0)
  },
)

await t.test('limits hold a table back', async t => {
  const world = await ChopNode.create(t)
  await world.replacedTable(50_000)
  await world.chop({ maxDeletePercent: 50 })
  const held = await world.chop({ maxDeletePercent: 50 })
  t.same(held.keys, [])
  t.match(held.units[0]?.refusal, /^9\d % of its bytes would go, more than 50/)
  const floor = await world.chop({ floor: 2 })
  t.same(floor.keys, [])
  t.match(floor.units[0]?.refusal, /^1 complete restore points would be left, fewer than 2/)
  t.equal((await world.chop({ maxDeletePercent: 50, floor: 2, force: true })).keys.length, 10)
})

await t.test('a table that lies outside the path as well stays as it is', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const [one, two] = ['d1', 'd2'].map(name => node.table(`${name}/ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9`))
  one?.flush('nb-1-big')
  two?.flush('nb-2-big')
  await node.backUp()
  world.pass()
  for (const path of one?.paths() ?? []) rmSync(path)
  await node.backUp()
  world.pass()
  for (let run = 0; run < 2; run++) {
    const part = await world.chop({ scope: new ChopScope(join(node.data, 'd1'), true) })
    t.same([part.keys, part.planned], [[], 0])
    t.match(part.units, [{ points: { isMeant: false, elsewhere: [two?.path] } }])
  }
  await world.chop({ scope: new ChopScope(node.data, true) })
  t.ok((await world.chop({ scope: new ChopScope(node.data, true) })).keys.length > 8)
})

await t.test('a node whose tablesnap does not heed plans is left alone', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  node.table().flush('nb-1-big')
  await node.backUp()
  const key = '.tablesnap/node1/node.json'
  const { heedsPlans, ...record } = JSON.parse((await node.body(key)).toString()) as Record<string, unknown>
  t.equal(heedsPlans, true)
  await node.bucket.put(key, JSON.stringify(record))
  await t.rejects(world.chop(), { code: 'WRITER_TOO_OLD' })
  await world.chop({ isDryRun: true })
  await world.chop({ force: true })
  await node.backUp()
  t.match(JSON.parse((await node.body(key)).toString()), { heedsPlans: true, chop: [{ scope: '/' }] })
})
