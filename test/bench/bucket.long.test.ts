import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { RealBucket } from '../../bench/bucket.js'
import { bigTable, smallTable } from '../../bench/data.js'
import { BenchFailure } from '../../bench/failure.js'
import { MIB } from '../../bench/figure.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { createMultipartUpload } from '../../src/s3/multipart.js'
import { putObject } from '../../src/s3/object.js'
import { testBucket } from '../support/bucket.js'
import { BenchRun, median } from './support.js'

const ENV = { AWS_ACCESS_KEY_ID: 'testkey', AWS_SECRET_ACCESS_KEY: 'testsecret' }

await t.test('an operator’s bucket is afterwards as before', async t => {
  const held = await testBucket(t)
  const { server, bucket, client, directory } = held
  await ensureBucket(client, true)
  const body = { body: Buffer.from('mine'), headers: {} }
  await putObject(client, 'tablesnap-bench-of-mine', body, { headers: {}, ifAbsent: false })
  const before = await held.list()
  const table = join(directory, 'node', 'ks', 't')
  bigTable(table, 12 * MIB)
  smallTable(table, 3, 2)
  // A snapshot is what stays as it is while it is measured.
  const snapshot = join(table, 'snapshots', 's1')
  mkdirSync(snapshot, { recursive: true })
  cpSync(join(table, 'nb-1-big-Data.db'), join(snapshot, 'nb-1-big-Data.db'))
  cpSync(join(table, 'nb-1-big-TOC.txt'), join(snapshot, 'nb-1-big-TOC.txt'))

  const bench = new BenchRun(t.testdir())
  const real = ['--endpoint-url', server.endpoint, '--bucket', bucket, '--path', join(directory, 'node')]
  for (const scenario of ['upload', 'restore']) {
    const { results } = await bench.run([scenario, ...real], ENV)
    t.ok((median(results[0], 'tablesnap', 'CPU') ?? 0) > 0, scenario)
    t.same(await held.list(), before, 'nothing of it is left, and nothing else is gone')
  }
  t.ok(server.requests.length > 40)
  await t.rejects(bench.run(['upload', ...real]), { code: 1, stderr: /AWS_ACCESS_KEY_ID/ })
  await t.rejects(bench.run(['idle', ...real], ENV), { code: 1, stderr: /on a real bucket there are/ })
})

await t.test('unfinished uploads go too, and only under a prefix of the benchmark’s own', async t => {
  const { server, bucket, client } = await testBucket(t)
  await ensureBucket(client, true)
  await createMultipartUpload(client, 'tablesnap-bench-1/a', {})
  await createMultipartUpload(client, 'mine', {})
  const real = new RealBucket({
    endpoint: server.endpoint,
    bucket,
    region: 'us-east-1',
    ca: undefined,
    credentials: ENV,
  })
  t.teardown(() => real.close())
  await real.clear('tablesnap-bench-1/')
  const node = await client.document(
    { operation: 'ListMultipartUploads', method: 'GET', query: { uploads: '' } },
    'ListMultipartUploads',
  )
  t.match(JSON.stringify(node), 'mine')
  t.notMatch(JSON.stringify(node), 'tablesnap-bench-1')
  for (const prefix of ['', 'mine/', 'tablesnap-bench-']) await t.rejects(real.clear(prefix), BenchFailure)
})
