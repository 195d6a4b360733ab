import type { ContractCase } from './contract-case.js'
import type { RawAnswer } from './raw-client.js'
import { checksum, checksumsOf, type Algorithm, type BucketClient } from './bucket-client.js'
import { hmac, sha256Hex, type Seed } from './signer.js'

const BODY = Buffer.from('hello world '.repeat(10_000))
const CHUNK = 65_536
const TRAILED: readonly Algorithm[] = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256']

function pieces(): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < BODY.length; at += CHUNK) found.push(BODY.subarray(at, at + CHUNK))
  return found
}

function unsignedChunks(trailer: string): Buffer {
  const framed = pieces().flatMap(piece => [
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...framed, Buffer.from(`0\r\n${trailer}\r\n`)])
}

interface Signing {
  readonly wrongChunk?: boolean
  readonly trailer?: string
  readonly wrongTrailer?: boolean
}

/** Chunks as Amazon's page on STREAMING-AWS4-HMAC-SHA256-PAYLOAD frames and signs them. */
function signedChunks(seed: Seed, options: Signing): Buffer {
  let previous = seed.signature
  const next = (algorithm: string, ...hashes: string[]): string => {
    previous = hmac(
      seed.key,
      [algorithm, seed.timestamp, seed.scope, previous, ...hashes].join('\n'),
    ).toString('hex')
    return previous
  }
  const framed = [...pieces(), Buffer.alloc(0)].flatMap((piece, position) => {
    const signature = next('AWS4-HMAC-SHA256-PAYLOAD', sha256Hex(''), sha256Hex(piece))
    const shown = position === 1 && options.wrongChunk === true ? '0'.repeat(64) : signature
    const head = Buffer.from(`${piece.length.toString(16)};chunk-signature=${shown}\r\n`)
    return piece.length === 0 ? [head] : [head, piece, Buffer.from('\r\n')]
  })
  if (options.trailer === undefined) return Buffer.concat([...framed, Buffer.from('\r\n')])
  const signature = next('AWS4-HMAC-SHA256-TRAILER', sha256Hex(`${options.trailer}\n`))
  const shown = options.wrongTrailer === true ? '0'.repeat(64) : signature
  return Buffer.concat([
    ...framed,
    Buffer.from(`${options.trailer}\r\nx-amz-trailer-signature:${shown}\r\n\r\n`),
  ])
}

const chunkedHeaders = {
  'content-encoding': 'aws-chunked',
  'x-amz-decoded-content-length': String(BODY.length),
}

function putTrailed(
  s3: BucketClient,
  key: string,
  algorithm: Algorithm,
  value: string,
  extra: Record<string, string> = {},
): Promise<RawAnswer> {
  const name = `x-amz-checksum-${algorithm}`
  return s3.put(key, unsignedChunks(`${name}:${value}\r\n`), {
    headers: { ...chunkedHeaders, 'x-amz-trailer': name, ...extra },
    payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  })
}

async function putSigned(s3: BucketClient, key: string, options: Signing): Promise<string> {
  const named = options.trailer === undefined ? {} : { 'x-amz-trailer': options.trailer.replace(/:.*/, '') }
  const length = signedChunks(
    { key: Buffer.alloc(1), timestamp: '', scope: '', signature: '' },
    options,
  ).length
  const answer = await s3.send('PUT', key, {
    body: seed => signedChunks(seed, options),
    length,
    headers: { ...chunkedHeaders, ...named },
    payload: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${options.trailer === undefined ? '' : '-TRAILER'}`,
  })
  return answer.outcome
}

export const chunkedCases: readonly ContractCase[] = [
  ...TRAILED.map((algorithm): ContractCase => ({
    name: `a trailing ${algorithm} is verified and stored`,
    async run(t, { s3 }) {
      const key = `chunked/${algorithm}`
      const value = checksum(algorithm, BODY)
      t.equal((await putTrailed(s3, key, algorithm, value)).outcome, '200')
      t.ok((await s3.get(key)).body.equals(BODY))
      t.same(checksumsOf(await s3.head(key)), { [algorithm]: value, type: 'FULL_OBJECT' })
      const wrong = await putTrailed(s3, 'chunked/wrong', algorithm, checksum(algorithm, 'other'))
      t.equal(wrong.outcome, '400 BadDigest')
      t.notOk(await s3.exists('chunked/wrong'))
    },
  })),
  {
    name: 'a decoded length that is not the payload’s is 400 IncompleteBody',
    async run(t, { s3 }) {
      for (const off of [5, -5]) {
        const answer = await putTrailed(s3, 'chunked/length', 'crc32', checksum('crc32', BODY), {
          'x-amz-decoded-content-length': String(BODY.length + off),
        })
        t.equal(answer.outcome, '400 IncompleteBody', `${off}`)
      }
      t.notOk(await s3.exists('chunked/length'))
    },
  },
  {
    name: 'a trailer that does not come is refused',
    async run(t, { s3 }) {
      const answer = await s3.put('chunked/missing', unsignedChunks(''), {
        headers: { ...chunkedHeaders, 'x-amz-trailer': 'x-amz-checksum-crc32' },
        payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      })
      t.match(answer.outcome, /^400 /)
      t.notOk(await s3.exists('chunked/missing'))
    },
  },
  {
    name: 'signed chunks are verified one by one',
    async run(t, { s3 }) {
      t.equal(await putSigned(s3, 'chunked/signed', {}), '200')
      t.ok((await s3.get('chunked/signed')).body.equals(BODY))
      t.equal(await putSigned(s3, 'chunked/forged', { wrongChunk: true }), '403 SignatureDoesNotMatch')
      t.notOk(await s3.exists('chunked/forged'))
    },
  },
  {
    name: 'a signed trailer is verified',
    async run(t, { s3 }) {
      const trailer = `x-amz-checksum-crc32c:${checksum('crc32c', BODY)}`
      t.equal(await putSigned(s3, 'chunked/signed-trailer', { trailer }), '200')
      const forged = await putSigned(s3, 'chunked/forged-trailer', { trailer, wrongTrailer: true })
      t.equal(forged, '403 SignatureDoesNotMatch')
      const wrong = await putSigned(s3, 'chunked/forged-trailer', {
        trailer: `x-amz-checksum-crc32c:${checksum('crc32c', 'x')}`,
      })
      t.equal(wrong, '400 BadDigest')
      t.notOk(await s3.exists('chunked/forged-trailer'))
    },
  },
  {
    name: 'aws-chunked is no encoding of the object',
    exception: 'aws-chunked-kept',
    async run(t, { s3 }) {
      await putTrailed(s3, 'chunked/encoding', 'crc32', checksum('crc32', BODY))
      t.equal((await s3.head('chunked/encoding')).header('content-encoding'), undefined)
      await putTrailed(s3, 'chunked/encoding', 'crc32', checksum('crc32', BODY), {
        'content-encoding': 'aws-chunked,gzip',
      })
      t.equal((await s3.head('chunked/encoding')).header('content-encoding'), 'gzip')
    },
  },
]
