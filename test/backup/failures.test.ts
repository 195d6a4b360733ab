import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { TestNode } from '../support/node.js'

await t.test('a failed file is named, the rest goes up, and the next -B mends it', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big').set('nb-2-big')
  const other = node.table('ks/other').set('nb-1-big')
  const bad = join(table.path, 'nb-1-big-Index.db')
  const { faults: script } = node.bucket.server
  script.add({ key: node.key(bad), count: Infinity, fault: faults.answer(403, 'AccessDenied') })
  script.add({ key: /nb-2-big-Data\.db$/, count: 3, fault: faults.internalError() })
  const first = await node.run(['-r', '-B'])
  t.equal(first.code, 1)
  t.match(first.log, new RegExp(`ERROR Error uploading node1:${bad}: PutObject: 403 AccessDenied`))
  t.match(first.log, / 1 failed/)
  await node.same(
    t,
    [...table.paths(), ...other.paths()].filter(path => path !== bad),
  )
  t.equal(await node.listing(table.path), undefined, 'a listing must not lack live data')
  t.same((await node.listing(other.path))?.names, other.names())

  script.clear()
  const second = await node.backUp()
  t.equal(second.code, 0, second.log)
  t.match(second.log, /Uploaded 1 file\b/)
  await node.same(t, [bad])
  t.same((await node.listing(table.path))?.names, table.names())
})

await t.test('a listing that is refused is an error and no endless loop', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  const rule = node.bucket.server.faults.add({
    key: /-listdir\.json$/,
    count: Infinity,
    fault: faults.answer(403, 'AccessDenied'),
  })
  const { code, log } = await node.backUp(['--delete-on-backup'], [table.path])
  t.equal(code, 1)
  t.match(log, new RegExp(`ERROR Error writing the listing of ${table.path}: PutObject: 403 AccessDenied`))
  t.equal(rule.hits, 1)
  t.same(table.names(), [], 'the state, by which -D goes, names what was deleted')
})

await t.test('nothing is left behind outside bucket and data', async t => {
  const node = await TestNode.create(t)
  node.table('t').set('nb-1-big')
  await node.backUp()
  t.same(readdirSync(node.bucket.directory).sort(), ['data', 's3'])
  t.notOk(existsSync(join(node.data, '.tablesnap-restore')))
})
