import { linkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { BucketStates } from '../support/bucket-states.js'

import { CheckWorld } from './support.js'

/**
 * The SSTables nb-1-big to nb-3-big of a table are compacted away, and only a snapshot's restore point names their objects.
 */
await t.test('objects that only the hardlinks of a snapshot name are looked at as any others', async t => {
  const world = await CheckWorld.create(t)
  const { node } = world
  const { bucket } = node
  const table = world.table('linked')
  const generations = ['nb-1-big', 'nb-2-big', 'nb-3-big']
  for (const generation of generations) table.flush(generation)
  const snapshot = join(table.path, 'snapshots/tag')
  await node.backUp(['--include-snapshots'])
  world.pass()
  mkdirSync(snapshot, { recursive: true })
  for (const name of table.names()) linkSync(join(table.path, name), join(snapshot, name))
  await node.backUp(['--include-snapshots'])
  world.pass()
  const former = await bucket.list(world.keys.states(world.unit('linked')))
  for (const generation of generations) table.delete(generation)
  table.flush('nb-4-big')
  await node.backUp(['--include-snapshots'])
  world.pass()
  for (const { key } of former) await bucket.delete(key)
  const states = await new BucketStates(node).all()
  t.equal(states.length, 2, 'one restore point of the table, and one of the snapshot')

  const healthy = await world.check(['--deep', '--read', '100'])
  t.equal(healthy.code, 0, healthy.log)
  t.same(healthy.kinds, [])
  const { read } = (JSON.parse(healthy.stdout) as { contents: { read: number } }).contents
  t.equal(read, 8 + 3 * 8, 'each object is read once')

  const key = (generation: string): string => world.key('linked', `${generation}-Data.db`)
  const change = async (generation: string, body: Buffer, headers: Record<string, string> = {}) =>
    bucket.put(key(generation), body, headers)
  await change('nb-1-big', await node.body(key('nb-1-big')), { 'x-amz-storage-class': 'DEEP_ARCHIVE' })
  await change('nb-2-big', Buffer.alloc((await node.body(key('nb-2-big'))).length))
  const { length } = await node.body(key('nb-3-big'))
  const shallow = await world.check()
  t.same(
    shallow.findings.map(({ kind, unit, examples }) => [kind, unit, examples]),
    [['object-archived', snapshot.slice(1), [key('nb-1-big')]]],
  )
  t.match(shallow.findings[0]?.mend, /StorageClass==.*DEEP_ARCHIVE.*restore-object/)

  const { etag, lastModified } = (await bucket.get(key('nb-3-big'))).info
  const head = {
    etag,
    'last-modified': new Date(lastModified).toUTCString(),
    'x-amz-archive-status': 'ARCHIVE_ACCESS',
    'content-length': String(length),
  }
  bucket.server.faults.add({
    on: 'HeadObject',
    key: key('nb-3-big'),
    fault: faults.answer(200, '', { headers: head }),
    count: Infinity,
  })
  const deep = await world.check(['--deep'])
  t.equal(deep.code, 1, deep.log)
  t.same(
    deep.findings.map(({ kind, examples }) => [kind, examples]),
    [
      ['object-changed', [key('nb-2-big')]],
      ['object-archived', [key('nb-1-big'), key('nb-3-big')]],
    ],
  )
})
