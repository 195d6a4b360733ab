import type { ContractCase, Subject } from './contract-case.js'
import { ALGORITHMS, checksum, checksumsOf, md5 } from './bucket-client.js'
import { sha256Hex } from './signer.js'

const BODY = 'hello world '.repeat(1000)

async function refused({ s3 }: Subject, headers: Record<string, string>, payload?: string): Promise<string> {
  const extra = payload === undefined ? { headers } : { headers, payload }
  const { outcome } = await s3.put('integrity/refused', BODY, extra)
  return (await s3.exists('integrity/refused')) ? `${outcome}, but stored` : outcome
}

export const integrityCases: readonly ContractCase[] = [
  {
    name: 'a wrong x-amz-content-sha256 is 400 XAmzContentSHA256Mismatch',
    async run(t, subject) {
      t.equal(await refused(subject, {}, sha256Hex('other')), '400 XAmzContentSHA256Mismatch')
      const { s3 } = subject
      const uploadId = await s3.create('integrity/part')
      const part = await s3.part('integrity/part', uploadId, 1, BODY, { payload: sha256Hex('other') })
      t.equal(part.outcome, '400 XAmzContentSHA256Mismatch', 'of a part as well')
    },
  },
  {
    name: 'an x-amz-content-sha256 that is no hash is refused',
    async run(t, subject) {
      t.match(await refused(subject, {}, 'nonsense'), /^400 /)
    },
  },
  {
    name: 'UNSIGNED-PAYLOAD is accepted over plain http',
    async run(t, { s3 }) {
      const answer = await s3.put('integrity/unsigned', BODY, { payload: 'UNSIGNED-PAYLOAD' })
      t.equal(answer.outcome, '200')
      t.equal((await s3.get('integrity/unsigned')).text, BODY)
    },
  },
  {
    name: 'Content-MD5 is verified',
    async run(t, subject) {
      t.equal(await refused(subject, { 'content-md5': md5('other') }), '400 BadDigest')
      t.equal(await refused(subject, { 'content-md5': 'notbase64' }), '400 InvalidDigest')
      const { s3 } = subject
      const good = await s3.put('integrity/md5', BODY, { headers: { 'content-md5': md5(BODY) } })
      t.equal(good.outcome, '200')
      const uploadId = await s3.create('integrity/part')
      const part = await s3.part('integrity/part', uploadId, 1, BODY, {
        headers: { 'content-md5': md5('other') },
      })
      t.equal(part.outcome, '400 BadDigest', 'of a part as well')
    },
  },
  ...ALGORITHMS.map((algorithm): ContractCase => ({
    name: `x-amz-checksum-${algorithm} is verified, stored and answered`,
    async run(t, subject) {
      const { s3 } = subject
      const name = `x-amz-checksum-${algorithm}`
      t.equal(await refused(subject, { [name]: checksum(algorithm, 'other') }), '400 BadDigest')
      const unsigned = await refused(subject, { [name]: checksum(algorithm, 'other') }, 'UNSIGNED-PAYLOAD')
      t.equal(unsigned, '400 BadDigest', 'with an unsigned payload as well')
      t.equal(await refused(subject, { [name]: 'AAAA' }), '400 InvalidRequest', 'a value of another length')
      const key = `integrity/${algorithm}`
      const value = checksum(algorithm, BODY)
      const good = await s3.put(key, BODY, { headers: { [name]: value } })
      t.equal(good.outcome, '200')
      t.equal(good.header(name), value)
      t.same(checksumsOf(await s3.head(key)), { [algorithm]: value, type: 'FULL_OBJECT' })
      const got = await s3.get(key, { 'x-amz-checksum-mode': 'ENABLED' })
      t.equal(got.header(name), value)
      t.same(checksumsOf(await s3.get(key)), {}, 'not answered unasked')
    },
  })),
  {
    name: 'CRC-64/NVME is computed when no checksum is sent',
    async run(t, { s3 }) {
      await s3.put('integrity/none', BODY)
      const expected = { crc64nvme: checksum('crc64nvme', BODY), type: 'FULL_OBJECT' }
      t.same(checksumsOf(await s3.head('integrity/none')), expected)
    },
  },
  {
    name: 'two checksums at once are 400 InvalidRequest',
    async run(t, subject) {
      const headers = {
        'x-amz-checksum-crc32': checksum('crc32', BODY),
        'x-amz-checksum-crc32c': checksum('crc32c', BODY),
      }
      t.equal(await refused(subject, headers), '400 InvalidRequest')
    },
  },
  {
    name: 'an announced checksum that does not come is 400 InvalidRequest',
    async run(t, subject) {
      t.equal(await refused(subject, { 'x-amz-sdk-checksum-algorithm': 'CRC32' }), '400 InvalidRequest')
    },
  },
]
