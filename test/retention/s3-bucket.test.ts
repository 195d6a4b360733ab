import t from 'tap'

import { S3Bucket } from '../../src/retention/s3-bucket.js'

import { ChopNode, STORAGE } from './support.js'

const JUMP = 7_200_000

await t.test('a time of day that jumps makes no object older', async t => {
  const { node } = await ChopNode.create(t)
  const bucket = new S3Bucket(node.bucket.client, STORAGE, new AbortController().signal)
  await bucket.read('nothing')
  const before = bucket.now()
  const { now } = Date
  t.teardown(() => (Date.now = now))
  Date.now = () => now() + JUMP
  t.ok(Math.abs(bucket.now() - before) < JUMP / 2)
})
