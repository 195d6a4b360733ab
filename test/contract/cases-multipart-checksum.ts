import type { ContractCase, Subject } from './contract-case.js'
import { createHash } from 'node:crypto'
import { checksum, checksumsOf, type Algorithm, type NamedPart } from './bucket-client.js'
import { FIRST, LAST } from './cases-multipart.js'

type Kind = 'FULL_OBJECT' | 'COMPOSITE'

const KINDS: readonly (readonly [Algorithm, Kind])[] = [
  ['crc64nvme', 'FULL_OBJECT'],
  ['crc32', 'FULL_OBJECT'],
  ['crc32c', 'FULL_OBJECT'],
  ['crc32c', 'COMPOSITE'],
  ['sha256', 'COMPOSITE'],
]
const WHOLE = Buffer.concat([FIRST, LAST])

function composite(algorithm: Algorithm): string {
  const values = [FIRST, LAST].map(part => Buffer.from(checksum(algorithm, part), 'base64'))
  return `${checksum(algorithm, Buffer.concat(values))}-2`
}

async function started(
  { s3 }: Subject,
  algorithm: Algorithm,
  kind: Kind,
): Promise<{ key: string; uploadId: string; parts: NamedPart[] }> {
  const key = `mpc/${algorithm}-${kind}`
  const uploadId = await s3.create(key, {
    'x-amz-checksum-algorithm': algorithm.toUpperCase(),
    'x-amz-checksum-type': kind,
  })
  const parts: NamedPart[] = []
  for (const [position, body] of [FIRST, LAST].entries()) {
    const value = checksum(algorithm, body)
    const tag = `Checksum${algorithm.toUpperCase()}`
    const headers = { [`x-amz-checksum-${algorithm}`]: value }
    const part = await s3.named(key, uploadId, position + 1, body, { headers, payload: 'UNSIGNED-PAYLOAD' })
    parts.push({ ...part, extra: `<${tag}>${value}</${tag}>` })
  }
  return { key, uploadId, parts }
}

export const multipartChecksumCases: readonly ContractCase[] = [
  ...KINDS.map(([algorithm, kind]): ContractCase => ({
    name: `${algorithm} ${kind} is verified part by part and on completion`,
    async run(t, subject) {
      const { s3 } = subject
      const name = `x-amz-checksum-${algorithm}`
      const tag = `Checksum${algorithm.toUpperCase()}`
      const { key, uploadId, parts } = await started(subject, algorithm, kind)
      const wrong = await s3.part(key, uploadId, 2, LAST, {
        headers: { [name]: checksum(algorithm, 'other') },
      })
      t.equal(wrong.outcome, '400 BadDigest')
      const listed = await s3.send('GET', key, { query: { uploadId } })
      t.same(listed.elements(tag), [checksum(algorithm, FIRST), checksum(algorithm, LAST)])
      t.equal(listed.element('ChecksumType'), kind)
      const forged = parts.map(part => ({
        ...part,
        extra: `<${tag}>${checksum(algorithm, 'other')}</${tag}>`,
      }))
      t.equal(
        (await s3.complete(key, uploadId, forged)).outcome,
        '400 InvalidPart',
        'a wrong checksum of a part',
      )
      const type = { 'x-amz-checksum-type': kind }
      if (kind === 'FULL_OBJECT') {
        const headers = { ...type, [name]: checksum(algorithm, 'other') }
        t.equal(
          (await s3.complete(key, uploadId, parts, headers)).outcome,
          '400 BadDigest',
          'a wrong checksum of the whole',
        )
      }
      t.notOk(await s3.exists(key))
      const value = kind === 'FULL_OBJECT' ? checksum(algorithm, WHOLE) : composite(algorithm)
      const done = await s3.complete(
        key,
        uploadId,
        parts,
        kind === 'FULL_OBJECT' ? { ...type, [name]: value } : type,
      )
      t.equal(done.outcome, '200')
      t.equal(done.element(tag), value)
      t.same(checksumsOf(await s3.head(key)), { [algorithm]: value, type: kind })
      await s3.send('DELETE', key)
    },
  })),
  {
    name: 'the size and the kind of checksum stated on completion must be right',
    async run(t, subject) {
      const { s3 } = subject
      const uploadId = await s3.create('mpc/stated', {
        'x-amz-checksum-algorithm': 'CRC32',
        'x-amz-checksum-type': 'FULL_OBJECT',
      })
      const headers = { 'x-amz-checksum-crc32': checksum('crc32', LAST) }
      const part = await s3.named('mpc/stated', uploadId, 1, LAST, { headers })
      const parts = [{ ...part, extra: `<ChecksumCRC32>${checksum('crc32', LAST)}</ChecksumCRC32>` }]
      const complete = async (extra: Record<string, string>): Promise<string> =>
        (await s3.complete('mpc/stated', uploadId, parts, extra)).outcome
      t.equal(await complete({ 'x-amz-mp-object-size': '5' }), '400 InvalidRequest')
      t.equal(await complete({ 'x-amz-checksum-type': 'COMPOSITE' }), '400 InvalidRequest')
      t.equal(
        await complete({ 'x-amz-checksum-type': 'FULL_OBJECT', 'x-amz-mp-object-size': String(LAST.length) }),
        '200',
      )
    },
  },
  {
    name: 'a part with another checksum than the upload’s is 400 InvalidRequest',
    async run(t, { s3 }) {
      const uploadId = await s3.create('mpc/other', {
        'x-amz-checksum-algorithm': 'CRC32C',
        'x-amz-checksum-type': 'COMPOSITE',
      })
      const headers = { 'x-amz-checksum-crc32': checksum('crc32', LAST) }
      t.equal((await s3.part('mpc/other', uploadId, 1, LAST, { headers })).outcome, '400 InvalidRequest')
      t.equal(
        (await s3.part('mpc/other', uploadId, 1, LAST)).outcome,
        '400 InvalidRequest',
        'and none at all',
      )
    },
  },
  {
    name: 'kinds of checksum that cannot be are 400 InvalidRequest',
    async run(t, { s3 }) {
      for (const [algorithm, kind] of [
        ['CRC64NVME', 'COMPOSITE'],
        ['SHA256', 'FULL_OBJECT'],
        ['CRC32', 'PARTIAL'],
        ['MD4', 'COMPOSITE'],
      ] as const) {
        const headers = { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': kind }
        const answer = await s3.send('POST', 'mpc/never', { query: { uploads: '' }, headers })
        t.equal(answer.outcome, '400 InvalidRequest', `${algorithm} ${kind}`)
      }
    },
  },
  {
    name: 'an upload without a checksum takes any, and ends with CRC-64/NVME',
    async run(t, { s3 }) {
      const uploadId = await s3.create('mpc/none')
      const sha = { headers: { 'x-amz-checksum-sha256': createHash('sha256').update(LAST).digest('base64') } }
      const part = await s3.named('mpc/none', uploadId, 1, LAST, sha)
      t.equal((await s3.complete('mpc/none', uploadId, [part])).outcome, '200')
      t.same(checksumsOf(await s3.head('mpc/none')), {
        crc64nvme: checksum('crc64nvme', LAST),
        type: 'FULL_OBJECT',
      })
    },
  },
]
