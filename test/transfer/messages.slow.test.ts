import t from 'tap'

import { TablesnapError, UsageError } from '../../src/errors.js'
import { S3Error, networkError } from '../../src/s3/errors.js'
import { decodeError, encodeError } from '../../src/transfer/pool/messages.js'

/** The way between threads. */
function across(error: unknown): TablesnapError {
  return decodeError(structuredClone(encodeError(error)))
}

await t.test('an S3 error keeps all that it says', t => {
  for (const retry of [true, false]) {
    const error = new S3Error({
      asked: { operation: 'PutObject', key: 'node1:/k' },
      answer: { status: 503, s3Code: 'SlowDown', region: 'eu-west-1', requestId: '4711' },
      message: 'PutObject: 503 SlowDown',
      follows: { retry, slowDown: retry },
    })
    const other = across(error)
    t.type(other, S3Error)
    t.same(Object.entries(other), Object.entries(error))
    t.equal(other.message, error.message)
    t.equal(other.stack, error.stack)
  }
  t.end()
})

await t.test('so does a failure of the network', t => {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const error = across(networkError('UploadPart', 'k', true, cause))
  t.match(error, {
    name: 'S3Error',
    code: 'S3_ECONNRESET',
    s3Code: 'ECONNRESET',
    status: 0,
    retry: true,
    slowDown: true,
  })
  t.end()
})

await t.test('and an error of ours', t => {
  const step = { operation: 'upload', path: '/p' }
  const said = { code: 'FILE_CHANGED', message: 'it changed', retry: true }
  const error = across(new TablesnapError({ ...said, step }))
  t.notOk(error instanceof S3Error)
  t.match(error, { name: 'TablesnapError', ...said, ...step, exitCode: 1 })
  t.match(across(new UsageError('ENDPOINT_INVALID', 'no')), { code: 'ENDPOINT_INVALID', exitCode: 2 })
  t.end()
})

await t.test('any other is told as what it was', t => {
  const inner = Object.assign(new Error('open failed'), { code: 'EACCES' })
  t.match(across(Object.assign(new Error('outer', { cause: inner }), { code: 'EIO' })), {
    code: 'EIO',
    message: 'outer: open failed',
    retry: false,
  })
  t.match(across(new TypeError('a mistake')), { code: 'INTERNAL', message: 'a mistake', retry: false })
  t.match(across('a string'), { code: 'INTERNAL', message: 'a string' })
  t.match(across(undefined), { code: 'INTERNAL' })
  t.end()
})
