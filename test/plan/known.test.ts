import t from 'tap'

import { KnownObjects } from '../../src/plan/known.js'
import { putObject } from '../../src/s3/object.js'
import { KeyLayout } from '../../src/state/keys.js'
import { testBucket } from '../support/bucket.js'

await t.test('objects below a path, and the newest listing of every directory', async t => {
  const { client } = await testBucket(t)
  await client.call({ operation: 'CreateBucket', method: 'PUT' })
  const put = async (key: string, body = key) =>
    (await putObject(client, key, { body: Buffer.from(body), headers: {} }, { headers: {}, ifAbsent: false }))
      .etag
  await put('n:/data/ks/nb-1-big-Data.db')
  await put('n:/data/ks_other/nb-1-big-Data.db')
  await put('n:/data/ks/ünï:code')
  const first = await put('n:/data/ks/nb-1-big-Data.db-listdir.json')
  const last = await put('n:/data/ks/nb-2-big-Data.db-listdir.json')
  const other = await put('n:/data/ks/deep/nb-1-big-Data.db-listdir.json')
  const known = new KnownObjects()
  await known.load(client, new KeyLayout('', 'n', ':'), '/data/ks')
  t.equal(known.get('n:/data/ks/nb-1-big-Data.db')?.size, 27)
  t.equal(known.get('n:/data/ks/ünï:code')?.size, Buffer.byteLength('n:/data/ks/ünï:code'))
  t.equal(known.get('n:/data/ks_other/nb-1-big-Data.db'), undefined, 'not below the path')
  t.ok(known.isNewestListing('n:/data/ks/nb-2-big-Data.db-listdir.json', last))
  t.notOk(known.isNewestListing('n:/data/ks/nb-2-big-Data.db-listdir.json', first), 'other content')
  t.notOk(known.isNewestListing('n:/data/ks/nb-1-big-Data.db-listdir.json', first), 'an older one')
  t.ok(known.isNewestListing('n:/data/ks/deep/nb-1-big-Data.db-listdir.json', other))
  t.notOk(known.isNewestListing('n:/data/none/nb-1-big-Data.db-listdir.json', first))

  const all = new KnownObjects()
  await all.load(client, new KeyLayout('', 'n', ':'), '/')
  t.ok(all.get('n:/data/ks_other/nb-1-big-Data.db'))
})
