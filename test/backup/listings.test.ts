import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../src/local-s3/fault.js'
import { until } from '../support/node.js'
import { Recorded, type RecordedOptions } from '../support/recorded.js'
import type { Table } from '../support/table.js'

/** A node with two sets and a state of them. */
async function listed(t: Parameters<typeof Recorded.create>[0], options: RecordedOptions = {}) {
  const one = await Recorded.create(t, options)
  const table = one.tracked.table().set('nb-1-big').set('nb-2-big')
  one.tracked.scan('start', table)
  await until(() => one.recorded.length > 0)
  const written = () =>
    one.node.bucket.server.requests.filter(
      ({ method, key }) => method === 'PUT' && key.endsWith('-listdir.json'),
    ).length
  return { one, table, written }
}

/** What the newest state says, with something about it changed. */
function stateOf({ tracked }: Recorded) {
  const { newest } = tracked.unit()
  if (newest === undefined) throw new Error('there is no state')
  return newest
}

async function names(one: Recorded, table: Table): Promise<string[] | undefined> {
  return (await one.node.listing(table.path))?.names
}

await t.test(
  'a listing follows the state, is named after the newest Data.db, and is not written again as it was',
  async t => {
    const { one, table, written } = await listed(t)
    const { tracked, listings } = one
    const unit = tracked.unit()
    t.same(await names(one, table), table.names())
    t.equal((await one.node.listing(table.path))?.dataName, 'nb-2-big-Data.db')
    const count = written()
    t.match(await listings.write(unit, stateOf(one)), { failed: false })
    t.equal(written(), count)
    const sets = new Map([...stateOf(one).sets].filter(([path]) => path.endsWith('nb-1-big')))
    await listings.write(unit, { ...stateOf(one), sets })
    t.equal(written(), count + 1)
    t.ok(await one.node.body(`${one.node.key(join(table.path, 'nb-1-big-Data.db'))}-listdir.json`))
  },
)

await t.test('what a state lacks makes no listing, unless Cassandra may never have read it', async t => {
  const { one, table, written } = await listed(t)
  const { tracked, listings } = one
  const unit = tracked.unit()
  const [first] = [...unit.groups()]
  const count = written()
  const sets = new Map([...stateOf(one).sets].slice(1))
  const partial = { ...stateOf(one), sets, unprotected: [join(table.path, 'nb-1-big')] }
  await listings.write(unit, partial)
  t.equal(written(), count)
  first!.state = 'waiting'
  await listings.write(unit, partial)
  t.equal(written(), count + 1)
  first!.committed = true
  await listings.write(unit, { ...partial, sets: new Map() })
  t.equal(written(), count + 1)
})

await t.test(
  'no listing is written while Data.db has other content under its key; other components do not matter',
  async t => {
    const { one, table, written } = await listed(t)
    const { tracked, listings, log } = one
    const unit = tracked.unit()
    const elsewhere = (component: string) => {
      const sets = new Map([...stateOf(one).sets].slice(1))
      for (const [path, set] of sets) {
        const components = new Map(set.components)
        components.set(component, { ...components.get(component)!, key: '.tablesnap/node1/versions/x' })
        sets.set(path, { ...set, components })
      }
      return { ...stateOf(one), sets }
    }
    const count = written()
    await listings.write(unit, elsewhere('Data.db'))
    await listings.write(unit, elsewhere('Index.db'))
    t.equal(written(), count)
    t.equal(log.filter(line => line.includes('no listing is written while')).length, 1, 'told once')
    await listings.write(unit, elsewhere('Statistics.db'))
    t.equal(written(), count + 1)
    t.ok(table)
  },
)

await t.test(
  'old files are named beside what is durable, as the original does, with one warning',
  async t => {
    const one = await Recorded.create(t, { tracked: { existing: false } })
    const { tracked } = one
    const table = tracked.table().set('nb-1-big')
    tracked.scan('start', table)
    await until(() => one.recorded.length > 0)
    table.set('nb-2-big')
    for (const path of table.paths('nb-2-big')) tracked.event(path, 'closed')
    await until(() => tracked.live().length === 2 && [...tracked.tracker.in('done')].length === 1)
    await one.recorder.flush()
    t.same(await names(one, table), table.names())
    t.equal(one.log.filter(line => line.includes('Listings name files that were there before')).length, 1)
  },
)

await t.test('--without-index writes none; a failure is told and made good', async t => {
  const none = await listed(t, { flags: ['--without-index'] })
  t.equal(none.written(), 0)
  const { one, table, written } = await listed(t)
  const { tracked, listings, log } = one
  const sets = new Map([...stateOf(one).sets].slice(1))
  one.node.bucket.server.faults.add({ key: /listdir/, fault: faults.answer(403, 'AccessDenied') })
  t.match(await listings.write(tracked.unit(), { ...stateOf(one), sets }), { failed: true })
  t.same([...listings.failed.keys()], [table.path])
  t.match(log.join(''), /ERROR Error writing the listing of .*: PutObject: 403/)
  const count = written()
  t.match(await listings.write(tracked.unit(), { ...stateOf(one), sets }), { failed: false })
  t.equal(written(), count + 1)
  t.equal(listings.failed.size, 0)
})
