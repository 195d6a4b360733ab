import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { faults, type ActiveRule, type FaultRule } from '../../dev/local-s3/fault.js'
import { ChopNode } from './support.js'
import { BucketStates } from '../support/bucket-states.js'
import { gate, until } from '../support/node.js'
import { TxnLog, type Table } from '../support/table.js'

const OLD = 'nb-1-big'
const NEW = 'nb-2-big'

/** After this time a look at node.json is due before the next manifest, ms. */
const MINUTE = 61_000

/** Each table meets the plan at another step; all of them share one daemon, and the minute after which it looks at node.json. */
const NAMES = {
  /** Its old SSTable returns once the daemon knows the plan. */
  known: '10',
  /** It returns before the plan, and its upload ends when the daemon knows it. */
  uploading: '11',
  /** It returns before the plan, and the manifest that names it is written when the daemon knows it. */
  publishing: '12',
  /** It returns after the plan, and a manifest names it before the daemon looks. */
  unaware: '13',
  /** It returns while tablechop deletes. */
  deleting: '14',
  /** It never returns; its flush has the daemon look at node.json. */
  other: '15',
} as const
type Name = keyof typeof NAMES

await t.test('a running tablesnap meets a plan of tablechop at each step', { timeout: 400_000 }, async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const { server } = node.bucket
  const states = new BucketStates(node)
  const unitOf = (name: Name): string => `ks/${name}-${NAMES[name].repeat(16)}`
  const names = Object.keys(NAMES) as Name[]
  const tables = new Map<Name, Table>(names.map(name => [name, node.table(unitOf(name))]))
  const table = (name: Name): Table => tables.get(name)!
  const dataKey = (name: Name): string => node.key(`${table(name).path}/${OLD}-Data.db`)
  /** An operator copies the old SSTable out of a snapshot, TOC.txt last. */
  const giveBack = (name: Name): void => {
    const contents = [...table(name).contents].filter(([file]) => file.startsWith(`${OLD}-`))
    for (const [file, content] of contents) table(name).file(file, content)
  }
  /** The key under which the newest restore point names the old SSTable; undefined: it does not name it. */
  const namedKey = async (name: Name): Promise<string | undefined> => {
    const newest = await states.newest(unitOf(name))
    const data = newest?.sets.get(`${table(name).path}/${OLD}`)?.components.get('Data.db')
    return data === undefined ? undefined : (data.key ?? dataKey(name))
  }
  const hold = (rule: Omit<FaultRule, 'fault'>, opened: Promise<void>): ActiveRule =>
    server.faults.add({ ...rule, fault: faults.delay(opened), count: Infinity })

  for (const name of names) table(name).flush(OLD)
  // The first manifests of the daemon are full then, and build on none of these.
  await node.backUp()
  world.pass()
  const daemon = await node.watch(t, ['-r'])
  for (const name of names) {
    const compaction = new TxnLog(table(name).path, 'compaction').add(NEW).remove(OLD)
    table(name).write(NEW)
    compaction.commit()
    table(name).delete(OLD)
    compaction.end()
  }
  for (const name of names) await until(async () => (await namedKey(name)) === undefined)
  world.pass()

  const [uploads, manifests] = [gate(), gate()]
  const held = [
    hold({ on: 'HEAD', key: dataKey('uploading') }, uploads.opened),
    hold({ on: 'PutObject', key: new RegExp(`${unitOf('publishing')}/.*listdir`) }, manifests.opened),
  ]
  giveBack('uploading')
  giveBack('publishing')
  for (const rule of held) await until(() => rule.hits > 0)
  const { planned } = await world.chop()
  t.equal(planned, names.length * 10, 'the old SSTable of each table, its listing and its restore point')
  giveBack('unaware')
  await until(async () => (await namedKey('unaware')) !== undefined)
  t.equal(await namedKey('unaware'), dataKey('unaware'), 'the daemon does not know the plan yet')

  await sleep(MINUTE)
  table('other').flush('nb-3-big')
  await daemon.seen(/tablechop is about to delete \d+ objects: tablesnap treats them as missing/)
  giveBack('known')
  uploads.open()
  manifests.open()
  for (const name of ['known', 'uploading', 'publishing'] as const) {
    await until(async () => (await namedKey(name)) !== undefined)
    t.match(await namedKey(name), /\/versions\/.*~[0-9a-f]{16}-[0-9a-f]{16}$/, name)
  }
  t.same(await states.problems(await states.all()), [], 'before the plan is carried out')

  const deletion = gate()
  const requests = hold({ on: 'DeleteObjects' }, deletion.opened)
  world.pass()
  const run = world.chop()
  await until(() => requests.hits > 0)
  giveBack('deleting')
  await until(async () => (await namedKey('deleting')) !== undefined)
  t.match(await namedKey('deleting'), /\/versions\//)
  deletion.open()
  const { keys, failures } = await run
  t.same(failures, [])
  for (const name of ['known', 'uploading', 'publishing', 'deleting', 'other'] as const)
    t.ok(keys.includes(dataKey(name)), `the old object of ${name} is deleted`)
  t.notOk(keys.includes(dataKey('unaware')), 'a restore point names it that came after the plan')
  t.same(await states.problems(await states.all()), [], 'every restore point has all that it names')

  table('unaware').flush('nb-3-big')
  await until(async () => (await namedKey('unaware')) !== dataKey('unaware'))
  t.match(await namedKey('unaware'), /\/versions\//, 'its next restore point names another key')
  world.pass()
  for (let more = 0; more < 3; more++) {
    await world.chop()
    world.pass()
  }
  t.same(await states.problems(await states.all()), [])
  t.notOk((await node.keys()).includes(dataKey('unaware')), 'nothing names it any more')
})
