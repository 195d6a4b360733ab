import { randomBytes } from 'node:crypto'
import t from 'tap'
import { checksum, checksumsOf, type NamedPart } from '../contract/bucket-client.js'
import { start } from './support.js'

await t.test('many writers of one key: one of them wins, whole', async t => {
  const { s3 } = await start(t)
  const bodies = Array.from({ length: 30 }, () => randomBytes(100_000))
  const answers = await Promise.all(bodies.map(body => s3.put('k', body)))
  t.ok(answers.every(answer => answer.status === 200))
  const got = await s3.get('k', { 'x-amz-checksum-mode': 'ENABLED' })
  t.ok(bodies.some(body => body.equals(got.body)))
  t.equal(got.header('x-amz-checksum-crc64nvme'), checksum('crc64nvme', got.body))
})

await t.test('many requests of all kinds at once', async t => {
  const { server, s3 } = await start(t)
  const keys = Array.from({ length: 100 }, (_, number) => `k/${number}`)
  await Promise.all(keys.map(key => s3.put(key, key)))
  const answers = await Promise.all(
    keys.flatMap(key => [
      s3.get(key),
      s3.head(key),
      s3.list({ prefix: key }),
      s3.put(`${key}/more`, key),
      s3.send('DELETE', key),
    ]),
  )
  t.ok(answers.every(answer => answer.status < 300 || answer.status === 404))
  const listed = (await s3.list()).elements('Key')
  t.strictSame(listed, keys.map(key => `${key}/more`).sort())
  t.ok(server.requests.every(record => record.status > 0))
})

await t.test('parts at once, and completed twice at once', async t => {
  const { s3 } = await start(t, { minPartSize: 1 })
  const uploadId = await s3.create('k', { 'x-amz-checksum-algorithm': 'CRC64NVME' })
  const bodies = Array.from({ length: 40 }, (_, number) => randomBytes(10_000 + number))
  const parts = await Promise.all(
    bodies.map(async (body, position): Promise<NamedPart> => {
      const value = checksum('crc64nvme', body)
      const part = await s3.named('k', uploadId, position + 1, body, {
        headers: { 'x-amz-checksum-crc64nvme': value },
      })
      return { ...part, extra: `<ChecksumCRC64NVME>${value}</ChecksumCRC64NVME>` }
    }),
  )
  const answers = await Promise.all([s3.complete('k', uploadId, parts), s3.complete('k', uploadId, parts)])
  t.same(
    answers.map(answer => answer.outcome),
    ['200', '200'],
  )
  const whole = Buffer.concat(bodies)
  t.ok((await s3.get('k')).body.equals(whole))
  t.equal(checksumsOf(await s3.head('k'))['crc64nvme'], checksum('crc64nvme', whole))
})
