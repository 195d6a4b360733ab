import t from 'tap'

import { kinship, parseRecord, volumesTogether, type NodeRecord } from '../../src/node/node-record.js'
import type { Writer } from '../../src/node/writer.js'

const record: NodeRecord = { format: 1, writer: 'm1', volumes: ['v1'], host: 'h1', epoch: 1, since: 1 }
const writer: Writer = { id: 'm1', isMachine: true, volumes: ['v1'], host: 'h1', formerIds: ['old'] }
const nameless: Writer = { ...writer, id: 'h1', isMachine: false }

await t.test('the machine is the writer, whatever volumes and host name it has now', t => {
  t.equal(kinship(record, { ...writer, volumes: [], host: 'h2' }), 'same')
  t.equal(kinship({ ...record, writer: 'old' }, writer), 'same', 'an earlier version named it otherwise')
  t.equal(kinship({ ...record, writer: 'm2', volumes: ['v2'] }, writer), 'other')
  t.end()
})

await t.test('a volume that another machine had is a moved one under the same host name alone', t => {
  t.equal(kinship({ ...record, writer: 'm2' }, writer), 'moved')
  t.equal(kinship({ ...record, writer: 'm2', host: 'h2' }, writer), 'other', 'a clone of the volume')
  t.end()
})

await t.test('a machine without a name is known by its volumes, or without any by its host name', t => {
  t.equal(kinship({ ...record, writer: 'h1' }, nameless), 'same')
  t.equal(kinship({ ...record, writer: 'h1', volumes: ['v2'] }, nameless), 'other')
  t.equal(kinship({ ...record, writer: 'h1', volumes: [] }, { ...nameless, volumes: [] }), 'same')
  t.equal(kinship({ ...record, writer: 'h2', host: 'h2' }, nameless), 'moved')
  t.end()
})

await t.test('a record keeps the volumes of earlier runs, and not for ever', t => {
  t.same(volumesTogether(writer, { ...record, volumes: ['v2', 'v1'] }), ['v1', 'v2'])
  const many = Array.from({ length: 40 }, (_, i) => `w${i}`)
  t.equal(volumesTogether(writer, { ...record, volumes: many }).length, 16)
  const body = Buffer.from(JSON.stringify({ ...record, volumes: ['v1', 7, null] }))
  t.same(parseRecord(body)?.volumes, ['v1'])
  t.end()
})
