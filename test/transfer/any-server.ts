import { randomBytes } from 'node:crypto'

import { crc64nvme } from 'tablesnap-io'
import type { Test } from 'tap'

import { encode64, hex64 } from '../../src/s3/checksum.js'
import { createMultipartUpload, uploadPart, uploadsOf } from '../../src/s3/multipart.js'
import { ODD_KEYS, exerciseKeys, exerciseMultipartKeys } from '../s3/odd-keys.js'
import { MEBIBYTE, Yard, type YardOptions } from './support.js'

const PART = 5 * MEBIBYTE
const PARTS: YardOptions = { chunkSize: PART, maxUploadSize: PART }

/** What has to hold on every S3 server, by keys that it can store. */
export async function exerciseServer(
  t: Test,
  endpoint: string,
  options: { keys?: readonly string[]; knowsContent?: boolean } = {},
): Promise<void> {
  const { keys = ODD_KEYS, knowsContent = true } = options
  const bucketOf = () => `bucket-${randomBytes(4).toString('hex')}`

  await t.test('odd keys', async t => {
    const { client } = await Yard.at(t, endpoint, { bucket: bucketOf() })
    await exerciseKeys(t, client, keys)
    await exerciseMultipartKeys(t, client, keys)
  })

  await t.test('each checksum, in one PUT and in parts, and never over another object', async t => {
    const bucket = bucketOf()
    for (const checksum of ['crc64nvme', 'crc32c', 'sha256', 'md5'] as const) {
      const yard = await Yard.at(t, endpoint, { ...PARTS, bucket, checksum })
      const names = [`${checksum}-nothing`, `${checksum}-small`, `${checksum}-large`]
      const contents = [0, 1000, PART + 1].map((size, i) => yard.write(names[i]!, size))
      const outcomes = (await yard.upload(...names)).map(({ outcome, error }) => error?.message ?? outcome)
      t.same(outcomes, ['uploaded', 'uploaded', 'uploaded'], checksum)
      for (const [i, bytes] of contents.entries()) {
        t.ok((await yard.get(yard.key(names[i]!))).equals(bytes), `${names[i]!} comes back`)
      }
      for (const note of yard.notes) t.comment(note)
      const again = (await yard.upload(...names)).map(({ outcome }) => outcome)
      t.same(again, ['present', 'present', 'present'], 'the same is recognised')
      const other = yard.write(names[1]!, 1000)
      t.equal((await yard.one(names[1]!)).outcome, 'version')
      t.ok((await yard.get(yard.key(names[1]!))).equals(contents[1]!), 'what was there stays')
      t.ok((await yard.get(yard.versionKey(names[1]!, hex64(crc64nvme(other))))).equals(other))
      if (knowsContent && checksum === 'crc64nvme') {
        yard.write(names[2]!, PART + 1)
        t.equal((await yard.one(names[2]!)).outcome, 'version')
        t.ok((await yard.get(yard.key(names[2]!))).equals(contents[2]!))
      }
    }
  })

  await t.test('an unfinished upload is gone on with or aborted', async t => {
    const yard = await Yard.at(t, endpoint, { ...PARTS, bucket: bucketOf() })
    const bytes = yard.write('f', 2 * PART + 1)
    const algorithm = { 'X-Amz-Checksum-Algorithm': 'CRC64NVME', 'X-Amz-Checksum-Type': 'FULL_OBJECT' }
    const key = yard.key('f')
    try {
      const id = await createMultipartUpload(yard.client, key, algorithm)
      const body = bytes.subarray(0, PART)
      const headers = { 'X-Amz-Checksum-Crc64nvme': encode64(crc64nvme(body)) }
      await uploadPart(yard.client, key, id, 1, { body, headers })
      t.equal((await yard.one('f')).outcome, 'uploaded')
      t.same(await uploadsOf(yard.client, key), [], 'it is gone on with, or aborted once the object is there')
    } catch (error) {
      t.comment(`no resume: ${String(error)}`)
      t.equal((await yard.one('f')).outcome, 'uploaded')
    }
    t.ok((await yard.get(key)).equals(bytes))
  })

  await t.test('parts larger than the buffers', async t => {
    const yard = await Yard.at(t, endpoint, { bucket: bucketOf(), memory: MEBIBYTE })
    const bytes = yard.write('f', 2 * PART + 12_345)
    t.equal((await yard.one('f')).outcome, 'uploaded')
    t.ok((await yard.get(yard.key('f'))).equals(bytes))
  })
}
