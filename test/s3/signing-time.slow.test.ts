import { randomBytes } from 'node:crypto'

import { crc64nvme } from 'tablesnap-io'
import t, { type Test } from 'tap'

import { ensureBucket } from '../../src/s3/bucket.js'
import { encode64 } from '../../src/s3/checksum.js'
import type { S3Client } from '../../src/s3/client.js'
import { listObjects } from '../../src/s3/list.js'
import { getObject, headObject, putObject } from '../../src/s3/object.js'
import { testBucket } from '../support/bucket.js'
import { errorAnswer, unfaithful } from '../support/unfaithful.js'
import { Heard, clientOf, failure, settingsOf } from './support.js'

const HOUR = 3_600_000

/** A server whose clock is ahead of this machine's by what `skew` says, ms, and its client. */
async function scene(t: Test, skew: () => number) {
  const { server } = await testBucket(t, { now: () => Date.now() + skew() })
  const listener = new Heard()
  const client = clientOf(t, settingsOf(server.endpoint), { listener })
  const refused = (): number => server.requests.filter(({ status }) => status === 403).length
  return { server, client, notes: listener.notes, refused }
}

async function put(client: S3Client, key: string, body: Buffer): Promise<void> {
  const guarded = { body, headers: { 'X-Amz-Checksum-Crc64nvme': encode64(crc64nvme(body)) } }
  await putObject(client, key, guarded, { headers: {}, ifAbsent: true })
}

async function countOf(client: S3Client): Promise<number> {
  let count = 0
  for await (const object of listObjects(client, { prefix: '' })) if (object.key !== '') count++
  return count
}

for (const [hours, told] of [
  [2, 'behind'],
  [-2, 'ahead of'],
] as const) {
  await t.test(
    `a client whose clock is two hours ${told} the server's signs with the server's time`,
    async t => {
      const { client, notes, refused } = await scene(t, () => hours * HOUR)
      await ensureBucket(client, true)
      const body = randomBytes(100_000)
      await put(client, 'key', body)
      t.equal((await headObject(client, 'key'))?.size, body.length)
      t.ok((await getObject(client, 'key')).body.equals(body))
      t.equal(await countOf(client), 1)
      t.equal(refused(), 1, 'the server refuses the first request alone')
      t.same(notes, [
        `this machine's clock is 120 min ${told} the server's: tablesnap signs requests with the server's time; set the clock right (NTP)`,
      ])
    },
  )
}

await t.test('a clock that jumps between two requests costs one refusal', async t => {
  let skew = 0
  const { client, refused } = await scene(t, () => skew)
  await ensureBucket(client, true)
  for (const hours of [1.9, -1.5, 0.1, 0, 2]) {
    skew = hours * HOUR
    const before = refused()
    await put(client, `${hours}`, randomBytes(10))
    t.ok(refused() - before <= 1, `${hours} h`)
  }
  t.equal(await countOf(client), 5)
})

await t.test("a proxy's wrong Date does not change the signatures that the server takes", async t => {
  const { server } = await testBucket(t)
  const endpoint = await unfaithful(t, server.endpoint, {
    request: ({ method }) => (method === 'DELETE' ? errorAnswer(403, 'AccessDenied') : undefined),
    response: (_, given) => (given.headers['date'] = new Date(Date.now() + 2 * HOUR).toUTCString()),
  })
  const listener = new Heard()
  const client = clientOf(t, settingsOf(endpoint), { listener })
  await ensureBucket(client, true)
  const remove = client.call({ operation: 'DeleteObject', method: 'DELETE', key: 'key' })
  t.equal((await failure(remove)).s3Code, 'AccessDenied')
  await put(client, 'key', Buffer.from('x'))
  t.same(listener.notes, [])
  t.notOk(server.requests.some(({ status }) => status === 403))
})

await t.test(
  "a refused HEAD behind a proxy's wrong Date: the next request is signed rightly again",
  async t => {
    const { server } = await testBucket(t)
    const endpoint = await unfaithful(t, server.endpoint, {
      request: ({ method }) => (method === 'HEAD' ? errorAnswer(403, 'AccessDenied') : undefined),
      response: (_, given) => (given.headers['date'] = new Date(Date.now() + 2 * HOUR).toUTCString()),
    })
    const client = clientOf(t, settingsOf(endpoint))
    await ensureBucket(clientOf(t, settingsOf(server.endpoint)), true)
    await countOf(client)
    t.equal((await failure(headObject(client, 'key'))).status, 403)
    await put(client, 'key', Buffer.from('x'))
    t.equal((await getObject(client, 'key')).body.toString(), 'x')
  },
)
