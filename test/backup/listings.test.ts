import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import type { TableFiles } from '../../src/tables/table-files.js'
import type { Table as TableCore } from '../../src/tables/table.js'
import { until } from '../support/node.js'
import { Recorded, type RecordedOptions } from '../support/recorded.js'
import type { Table } from '../support/table.js'

/** A node with two SSTables and a restore point of them. */
async function listed(t: Parameters<typeof Recorded.create>[0], options: RecordedOptions = {}) {
  const one = await Recorded.create(t, options)
  const table = one.tracked.table().set('nb-1-big').set('nb-2-big')
  one.tracked.scan('start', table)
  await until(() => one.published.length > 0)
  const written = () =>
    one.node.bucket.server.requests.filter(
      ({ method, key }) => method === 'PUT' && key.endsWith('-listdir.json'),
    ).length
  return { one, table, written }
}

/** What the newest restore point says. */
function stateOf({ tracked }: Recorded) {
  const newest = tracked.newest()
  if (newest === undefined) throw new Error('there is no restore point')
  return newest
}

/** A table with one SSTable of this status. */
function tableWith(status: TableFiles['status'], isCommitted: boolean): TableCore {
  const files = { status, isCommitted, names: [], directory: '/', isSSTable: true } as unknown as TableFiles
  return { name: 'ks/t', get: () => files, files: () => [files] } as unknown as TableCore
}

async function names(one: Recorded, table: Table): Promise<string[] | undefined> {
  return (await one.node.listing(table.path))?.names
}

await t.test(
  'a listing comes with the restore point, is named after the newest Data.db, and is not written again as it was',
  async t => {
    const { one, table, written } = await listed(t)
    const { tracked, listings } = one
    t.same(await names(one, table), table.names())
    t.equal((await one.node.listing(table.path))?.dataName, 'nb-2-big-Data.db')
    const count = written()
    t.ok(await listings.write(tracked.core(), stateOf(one)))
    t.equal(written(), count)
    const sets = new Map([...stateOf(one).sets].filter(([path]) => path.endsWith('nb-1-big')))
    await listings.write(tracked.core(), { ...stateOf(one), sets })
    t.equal(written(), count + 1)
    t.ok(await one.node.body(`${one.node.key(join(table.path, 'nb-1-big-Data.db'))}-listdir.json`))
  },
)

await t.test(
  'a restore point that lacks an SSTable has no listing, unless Cassandra may never have read that one',
  async t => {
    const { one, table, written } = await listed(t)
    const { listings } = one
    const count = written()
    const sets = new Map([...stateOf(one).sets].slice(1))
    const partial = { ...stateOf(one), sets, unprotected: [join(table.path, 'nb-1-big')] }
    await listings.write(tableWith('failed', false), partial)
    t.equal(written(), count)
    await listings.write(tableWith('waiting', false), partial)
    t.equal(written(), count + 1)
    await listings.write(tableWith('waiting', true), { ...partial, sets: new Map() })
    t.equal(written(), count + 1)
  },
)

await t.test(
  'no listing is written while Data.db has other content under its key; other components do not matter',
  async t => {
    const { one, written } = await listed(t)
    const { tracked, listings, lines } = one
    const table = tracked.core()
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
    await listings.write(table, elsewhere('Data.db'))
    await listings.write(table, elsewhere('Index.db'))
    t.equal(written(), count)
    t.equal(
      lines.filter(line => line.includes('tablesnap writes no upstream listing while')).length,
      1,
      'told once',
    )
    await listings.write(table, elsewhere('Statistics.db'))
    t.equal(written(), count + 1)
  },
)

await t.test(
  'old files are named beside what is uploaded, as the original does, with one warning',
  async t => {
    const one = await Recorded.create(t, { tracked: { backsUpExisting: false } })
    const { tracked } = one
    const table = tracked.table().set('nb-1-big')
    tracked.scan('start', table)
    await until(() => one.published.length > 0)
    tracked.copy(table, 'nb-2-big')
    await until(() => tracked.in('done').length === 1)
    await tracked.idle()
    await one.flush()
    t.same(await names(one, table), table.names())
    t.equal(
      one.lines.filter(line => line.includes('Upstream listings name files that existed before')).length,
      1,
    )
  },
)

await t.test('--without-index writes none; a failure is told once and made good', async t => {
  const none = await listed(t, { flags: ['--without-index'] })
  t.equal(none.written(), 0)
  const { one, table, written } = await listed(t)
  const { tracked, listings, lines } = one
  const sets = new Map([...stateOf(one).sets].slice(1))
  const refused = { key: /listdir/, count: 2, fault: faults.answer(403, 'AccessDenied') }
  one.node.bucket.server.faults.add(refused)
  for (let i = 0; i < 2; i++) t.notOk(await listings.write(tracked.core(), { ...stateOf(one), sets }))
  t.same([...listings.failed.keys()], [table.path])
  t.equal(lines.filter(line => /ERROR Error writing the listing of .*: PutObject: 403/.test(line)).length, 1)
  const count = written()
  t.ok(await listings.write(tracked.core(), { ...stateOf(one), sets }))
  t.equal(written(), count + 1)
  t.equal(listings.failed.size, 0)
})
