import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { crc32 } from 'tablesnap-io'
import t from 'tap'

import { TestNode } from '../support/node.js'
import { BIG } from '../support/table.js'

await t.test(
  '--delete-on-backup removes whole sets once the listing names them, and the listing keeps them',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table('ks/t').set('nb-1-big').set('nb-2-big')
    table.set('nb-3-big', { toc: [...BIG, 'Unheard.db'] })
    table.file('nb-4-big-Data.db.tmp')
    const complete = ['nb-1-big', 'nb-2-big'].flatMap(set => table.names(set))
    const incomplete = table.names('nb-3-big')
    const { code, log } = await node.run(['-r', '-B', '--delete-on-backup'])
    t.equal(code, 1, log)
    t.same(table.names(), [...incomplete, 'nb-4-big-Data.db.tmp'])
    t.same((await node.listing(table.path))?.names, complete)

    table.set('nb-5-big')
    const fifth = table.names('nb-5-big')
    await node.backUp(['--delete-on-backup'])
    t.same(table.names('nb-5-big'), [])
    t.same(await node.listing(table.path), {
      dataName: 'nb-5-big-Data.db',
      names: [...complete, ...fifth].sort(),
    })

    const again = await node.backUp(['--delete-on-backup'])
    t.match(again.log, /Uploaded 0 files/)
    for (const name of complete) {
      const body = await node.body(node.key(join(table.path, name)))
      t.ok(body.equals(table.contents.get(name) ?? Buffer.of()), name)
    }
  },
)

await t.test('--delete-on-backup does not take the same size for the same content', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  t.equal((await node.backUp([], [table.path])).code, 0)
  table.file('nb-1-big-Statistics.db')
  table.set('nb-2-big')
  t.equal((await node.backUp([], [table.path])).code, 0)
  const data = randomBytes(2_000)
  writeFileSync(join(table.path, 'nb-2-big-Data.db'), data)
  writeFileSync(join(table.path, 'nb-2-big-Digest.crc32'), String(crc32(data)))
  const { code, log } = await node.backUp(['--delete-on-backup'], [table.path])
  t.equal(code, 0, log)
  t.match(
    log,
    /WARNING .*tablesnap writes no upstream listing while the bucket has other content under the key of nb-2-big-Data.db/,
  )
  t.same(table.names(), [], 'the state names other contents, too')
  const versions = await node.keys('.tablesnap/node1/versions/')
  t.equal(versions.length, 3, 'all other contents are safe')
  const data2 = versions.find(key => key.includes('nb-2-big-Data.db~')) ?? ''
  t.ok((await node.body(data2)).equals(data))
})

await t.test("a bucket of the original's is believed by size, by MD5 with --md5-on-start", async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  t.equal((await node.backUp([], [table.path])).code, 0)
  const forget = async () => {
    for (const { key } of await node.bucket.list('.tablesnap/node1/')) {
      if (!key.includes('/versions/'))
        await node.bucket.client.call({ operation: 'DeleteObject', method: 'DELETE', key })
    }
    // LastModified is in whole seconds, and only what is clearly older is believed.
    await sleep(2_100)
  }
  await forget()
  const before = await node.body(node.key(join(table.path, 'nb-1-big-Statistics.db')))
  const after = table.file('nb-1-big-Statistics.db')
  t.match((await node.backUp([], [table.path])).log, /Uploaded 0 files/, 'by size alone it is the same')
  await forget()
  const { code, log } = await node.backUp(['--md5-on-start'], [table.path])
  t.equal(code, 0, log)
  t.match(log, /Uploaded 1 file .*; 7 were there already/)
  const [key = ''] = await node.keys('.tablesnap/node1/versions/')
  t.match(key, new RegExp(`^\\.tablesnap/node1/versions${after}~[0-9a-f]{16}$`))
  t.ok((await node.body(key)).equals(readFileSync(after)))
  t.ok((await node.body(node.key(after))).equals(before), 'the old object stays')
  const { info } = await node.bucket.get(key)
  t.equal(info.metadata['md5sum'], createHash('md5').update(readFileSync(after)).digest('hex'))
  t.same((await node.listing(table.path))?.names, table.names(), 'the listing goes on')
  t.match(
    (await node.backUp(['--md5-on-start'], [table.path])).log,
    /Uploaded 0 files .*; 8 were there already/,
  )
})

await t.test('no listing while Data.db lies under versions/, in later runs neither', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  t.equal((await node.backUp([], [table.path])).code, 0)
  table.set('nb-1-big', { bytes: 3_000 }).set('nb-2-big')
  for (const run of [1, 2]) {
    if (run === 2) table.set('nb-3-big')
    node.bucket.server.requests.length = 0
    const { code, log } = await node.backUp([], [table.path])
    t.equal(code, 0, log)
    t.match(
      log,
      /WARNING .*tablesnap writes no upstream listing while the bucket has other content under the key of nb-1-big-Data.db/,
      `run ${run}`,
    )
    const listings = node.bucket.server.requests.filter(({ key }) => key.endsWith('-listdir.json'))
    t.same(listings, [], `run ${run}`)
  }
  table.delete('nb-1-big')
  t.equal((await node.backUp([], [table.path])).code, 0)
  t.same((await node.listing(table.path))?.names, table.names(), 'once it is gone there is a listing again')
})

await t.test('--dry-run changes nothing', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  const missing = await node.backUp(['--dry-run', '--delete-on-backup'], [table.path])
  t.equal(missing.code, 0, missing.log)
  t.match(missing.log, /Would create bucket bucket in us-east-1/)
  t.match(missing.log, /Would upload 8 files/)
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  const { code, log } = await node.backUp(['--dry-run', '--delete-on-backup'], [table.path])
  t.equal(code, 0, log)
  t.match(log, new RegExp(`INFO Would upload ${table.path}/nb-1-big: 8 files, `))
  t.same(await node.keys(), [])
  t.equal(table.names().length, 8)
  t.same(
    node.bucket.server.requests
      .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
      .map(({ operation }) => operation),
    ['CreateBucket'],
  )
})
