import t from 'tap'

import { TablesnapError } from '../../src/errors.js'
import { faults } from '../../dev/local-s3/index.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { networkError } from '../../src/s3/errors.js'
import { headObject, putObject } from '../../src/s3/object.js'
import { DEFAULT_RETRY, jittered, withRetry, type RetryPolicy } from '../../src/s3/retry.js'
import { Silence } from '../../src/s3/silence.js'
import { testBucket } from '../support/bucket.js'
import { Heard, FAST, SHORT, clientOf, failure, settingsOf } from './support.js'

/** Status and code of an answer; whether it is tried again, and whether it asks for fewer requests. */
const ANSWERS: readonly (readonly [number, string, boolean, boolean])[] = [
  [400, 'BadDigest', true, false],
  [400, 'IncompleteBody', true, false],
  [400, 'RequestTimeout', true, false],
  [400, 'XAmzContentSHA256Mismatch', true, false],
  [400, 'InvalidArgument', false, false],
  [400, 'InvalidRequest', false, false],
  [400, 'EntityTooLarge', false, false],
  [400, 'ExpiredToken', false, false],
  [403, 'AccessDenied', false, false],
  [403, 'SignatureDoesNotMatch', false, false],
  [403, 'RequestTimeTooSkewed', false, false],
  [404, 'NoSuchBucket', false, false],
  [404, 'NoSuchUpload', false, false],
  [405, 'MethodNotAllowed', false, false],
  [408, 'Whatever', true, false],
  [409, 'OperationAborted', true, false],
  [409, 'ConditionalRequestConflict', true, false],
  [409, 'BucketAlreadyExists', false, false],
  [412, 'PreconditionFailed', false, false],
  [429, 'TooManyRequests', true, true],
  [429, 'Whatever', true, true],
  [500, 'InternalError', true, false],
  [501, 'NotImplemented', false, false],
  [502, 'Whatever', true, false],
  [503, 'SlowDown', true, true],
  [503, 'ServiceUnavailable', true, true],
  [503, 'Whatever', true, false],
  [504, 'Whatever', true, false],
]

await t.test('which answers are tried again, how often, and which slow us down', async t => {
  const { server } = await testBucket(t)
  const listener = new Heard()
  const { pauses } = listener
  const client = clientOf(t, settingsOf(server.endpoint), { listener })
  await ensureBucket(client, true)
  for (const [status, code, again, slow] of ANSWERS) {
    const name = `${status} ${code}`
    server.requests.length = 0
    listener.slowed = 0
    pauses.length = 0
    const rule = server.faults.add({ on: 'PutObject', count: Infinity, fault: faults.answer(status, code) })
    const put = putObject(
      client,
      'k',
      { body: Buffer.from('x'), headers: {} },
      { headers: {}, ifAbsent: false },
    )
    const error = await failure(put)
    rule.remove()
    t.match(error, { status, s3Code: code, retry: again, operation: 'PutObject', key: 'k' }, name)
    const attempts = again ? 1 + FAST.retries : 1
    t.equal(server.requests.length, attempts, `${name}: attempts`)
    t.equal(pauses.length, attempts - 1, `${name}: pauses`)
    t.equal(listener.slowed, slow ? attempts : 0, `${name}: asked to slow down`)
  }
})

await t.test('the answer to HEAD has a status only', async t => {
  const { server, client: plain } = await testBucket(t)
  await ensureBucket(plain, true)
  const client = clientOf(t, settingsOf(server.endpoint))
  for (const [status, code, again] of [
    [403, 'Forbidden', false],
    [409, 'Conflict', false],
    [500, 'HTTP 500', true],
    [503, 'ServiceUnavailable', true],
  ] as const) {
    const rule = server.faults.add({ on: 'HeadObject', count: Infinity, fault: faults.answer(status, 'X') })
    t.match(await failure(headObject(client, 'k')), { status, s3Code: code, retry: again })
    t.equal(rule.hits, again ? 5 : 1)
    rule.remove()
  }
})

await t.test('no answer at all: which failures are tried again', t => {
  const of = (code: string | undefined, body = true) =>
    networkError('PutObject', 'k', body, Object.assign(new Error('it failed'), { code }))
  for (const code of [
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_SOCKET',
    'STALLED',
    'UND_ERR_CONNECT_TIMEOUT',
  ]) {
    t.match(of(code), { status: 0, s3Code: code, retry: true }, code)
  }
  for (const code of [
    undefined,
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'EPROTO',
    'UND_ERR_INVALID_ARG',
    'UND_ERR_DESTROYED',
    'UND_ERR_ABORTED',
  ]) {
    t.match(of(code), { status: 0, retry: false }, String(code))
  }
  const garbled = Object.assign(new Error('no HTTP'), { name: 'HTTPParserError' })
  t.match(networkError('X', undefined, false, garbled), {
    retry: true,
    message: /is the endpoint really http\?/,
  })
  t.equal(of('ECONNRESET').slowDown, true, 'a large PUT that is refused looks like this')
  t.equal(of('EPIPE').slowDown, true)
  t.equal(of('ECONNRESET', false).slowDown, false)
  t.equal(of('ETIMEDOUT').slowDown, false)
  t.match(
    networkError('X', undefined, false, Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })),
    {
      message: 'X: no answer from the server: ECONNREFUSED; nothing listens there: check --endpoint-url',
    },
  )
  const said = (message: string, code: string): string =>
    networkError('X', undefined, false, Object.assign(new Error(message), { code })).message
  t.equal(
    said(
      '806C:error:0A00010B:SSL routines::wrong version number:ssl3_record.c:350:\n',
      'ERR_SSL_WRONG_VERSION_NUMBER',
    ),
    'X: no answer from the server: ERR_SSL_WRONG_VERSION_NUMBER; is the endpoint really https?',
    'without the line number of OpenSSL and its line break',
  )
  t.equal(
    said('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED'),
    'X: no answer from the server: connect ECONNREFUSED 127.0.0.1:9; nothing listens there: check --endpoint-url',
    'the code once',
  )
  t.end()
})

await t.test('nothing listens', async t => {
  const { server } = await testBucket(t)
  const listener = new Heard()
  const client = clientOf(t, settingsOf(server.endpoint), { timeouts: SHORT, listener })
  await ensureBucket(client, true)
  await server.close()
  const error = await failure(headObject(client, 'k'))
  t.match(error, { s3Code: 'ECONNREFUSED', retry: true, message: /nothing listens there/ })
  t.equal(listener.errors.length, FAST.retries)
})

await t.test('pauses double, are capped, and jitter over their whole range', t => {
  for (let attempt = 1; attempt <= 12; attempt++) {
    const most = Math.min(10_000, 200 * 2 ** (attempt - 1))
    const pauses = Array.from({ length: 300 }, () => jittered(attempt, DEFAULT_RETRY))
    t.ok(Math.max(...pauses) <= most, `attempt ${attempt}: at most ${most}`)
    t.ok(Math.max(...pauses) > most * 0.8 && Math.min(...pauses) < most * 0.2)
  }
  t.end()
})

await t.test('what a repetition cannot mend is thrown at once', async t => {
  let attempts = 0
  for (const error of [
    new TypeError('a mistake'),
    new TablesnapError({ code: 'FILE_CHANGED', message: 'changed', retry: true }),
  ]) {
    attempts = 0
    const run = withRetry(() => {
      attempts++
      return Promise.reject(error)
    }, FAST)
    await t.rejects(run, error)
    t.equal(attempts, 1, error.message)
  }
})

await t.test('an abort ends the pause, with the error that it was for', async t => {
  const { server } = await testBucket(t)
  const abort = new AbortController()
  const slow = { retries: 5, base: 1e9, cap: 1e9 }
  const listener = new Heard()
  listener.onRetry = () => abort.abort()
  const client = clientOf(t, settingsOf(server.endpoint), { retry: slow, listener })
  server.faults.add({ on: 'HeadBucket', fault: faults.internalError() })
  const error = await failure(client.call({ operation: 'HeadBucket', method: 'HEAD' }, abort.signal))
  t.equal(error.status, 500)
  t.equal(server.requests.length, 1)
})

await t.test('a closed client does not try on', async t => {
  const { server } = await testBucket(t)
  const client = clientOf(t, settingsOf(server.endpoint), {
    retry: { retries: 5, base: 1e9, cap: 1e9 },
    connections: 1,
  })
  server.faults.add({ on: 'HeadBucket', count: Infinity, fault: faults.silence() })
  const head = () => failure(client.call({ operation: 'HeadBucket', method: 'HEAD' }))
  const calls = [head(), head()]
  await new Promise(resolve => setTimeout(resolve, 50))
  await client.close()
  for (const error of await Promise.all(calls)) t.match(error, { retry: false })
})

await t.test('a server that cuts connections is waited for, unless others get answers meanwhile', async t => {
  const policy: RetryPolicy = { retries: 1, base: 1, cap: 2, patience: 60_000 }
  const cut = () =>
    networkError('PutObject', 'k', true, Object.assign(new Error('cut'), { code: 'ECONNRESET' }))
  const run = async (answersOthers: boolean): Promise<number> => {
    const silence = new Silence()
    let attempts = 0
    const attempt = (): Promise<void> => {
      if (++attempts === 20) return Promise.resolve()
      const error = cut()
      silence.missed(error)
      if (answersOthers) silence.answered()
      return Promise.reject(error)
    }
    await withRetry(attempt, policy, undefined, undefined, silence).catch(() => undefined)
    return attempts
  }
  t.equal(await run(false), 20, 'it comes back')
  t.ok((await run(true)) <= 3, 'it does not take this one request')
})
