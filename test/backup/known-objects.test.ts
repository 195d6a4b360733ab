import t from 'tap'

import { KnownObjects } from '../../src/backup/known-objects.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import { putObject } from '../../src/s3/object.js'
import { testBucket } from '../support/bucket.js'

await t.test('objects of the files in a directory, not of those below', async t => {
  const { client } = await testBucket(t)
  await client.call({ operation: 'CreateBucket', method: 'PUT' })
  const put = (key: string) =>
    putObject(client, key, { body: Buffer.from(key), headers: {} }, { headers: {}, ifAbsent: false })
  await put('n:/data/ks/nb-1-big-Data.db')
  await put('n:/data/ks_other/nb-1-big-Data.db')
  await put('n:/data/ks/ünï:code')
  await put('n:/data/ks/deep/nb-1-big-Data.db')
  await put('n:/top')
  const keys = new KeyLayout('', 'n', ':')
  const known = new KnownObjects(Infinity)
  await known.load(client, keys, '/data/ks')
  t.equal(known.get('n:/data/ks/nb-1-big-Data.db')?.size, 27)
  t.equal(known.get('n:/data/ks/ünï:code')?.size, Buffer.byteLength('n:/data/ks/ünï:code'))
  t.equal(known.get('n:/data/ks_other/nb-1-big-Data.db'), undefined, 'beside it')
  t.equal(known.get('n:/data/ks/deep/nb-1-big-Data.db'), undefined, 'below it')
  await known.load(client, keys, '/data/ks_other')
  t.ok(known.get('n:/data/ks_other/nb-1-big-Data.db'), 'several directories add up')
  await known.load(client, keys, '/')
  t.ok(known.get('n:/top'))
  const began = (client.clockOffset ?? 0) + Date.now()
  const young = new KnownObjects(began - 60_000)
  await young.load(client, keys, '/data/ks')
  t.equal(young.get('n:/data/ks/nb-1-big-Data.db'), undefined, 'written since: it may be ours')
  const old = new KnownObjects(began + 60_000)
  await old.load(client, keys, '/data/ks')
  t.ok(old.get('n:/data/ks/nb-1-big-Data.db'), 'written before')
})
