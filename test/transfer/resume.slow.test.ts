import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { uploadsOf } from '../../src/s3/multipart.js'
import { MEBIBYTE, Yard, type YardOptions } from './support.js'

const PART = 5 * MEBIBYTE
const OPTIONS: YardOptions = { chunkSize: PART, maxUploadSize: PART, retries: 0 }

/** Fails the upload of `f` at its third part: two, and perhaps the fourth, are with the server. */
async function interrupted(yard: Yard): Promise<void> {
  const rule = yard.server!.faults.add({ on: 'UploadPart', skip: 2, fault: faults.internalError() })
  const outcome = await yard.one('f')
  rule.remove()
  t.match(outcome, { outcome: 'failed', error: { code: 'S3_INTERNAL_ERROR', retry: true } })
}

await t.test('parts that an earlier process sent are not sent again', async t => {
  const first = await Yard.start(t, OPTIONS)
  const bytes = first.write('f', 3 * PART + 77)
  await interrupted(first)
  const [left] = await uploadsOf(first.client, first.key('f'))
  const sent = first.requests('UploadPart').filter(({ status }) => status === 200).length
  t.ok(sent >= 2)

  const second = await first.again(t, OPTIONS)
  t.equal((await second.one('f')).outcome, 'uploaded')
  t.equal(second.requests('UploadPart').length, 4 - sent, 'only what was missing')
  t.equal(second.requests('CreateMultipartUpload').length, 0)
  t.equal(second.requests('CompleteMultipartUpload')[0]?.query['uploadId'], left)
  t.ok((await second.get(second.key('f'))).equals(bytes))
})

await t.test('nor by the same process', async t => {
  const yard = await Yard.start(t, OPTIONS)
  yard.write('f', 3 * PART + 77)
  await interrupted(yard)
  const sent = yard.requests('UploadPart').filter(({ status }) => status === 200).length
  yard.forget()
  t.equal((await yard.one('f')).outcome, 'uploaded')
  t.equal(yard.requests('UploadPart').length, 4 - sent)
})

await t.test('a part that is another now is', async t => {
  const first = await Yard.start(t, OPTIONS)
  const bytes = first.write('f', 3 * PART + 77)
  await interrupted(first)
  const sent = first.requests('UploadPart').filter(({ status }) => status === 200).length
  bytes[PART + 5]! ^= 1
  first.write('f', bytes)
  const second = await first.again(t, OPTIONS)
  t.equal((await second.one('f')).outcome, 'uploaded')
  t.equal(second.requests('UploadPart').length, 4 - sent + 1)
  t.ok((await second.get(second.key('f'))).equals(bytes))
})

await t.test('an upload that does not fit is not gone on with, and aborted in the end', async t => {
  const first = await Yard.start(t, OPTIONS)
  for (const [what, size, options] of [
    ['other parts', 3 * PART + 77, { ...OPTIONS, chunkSize: 6 * MEBIBYTE }],
    ['another length', 2 * PART - 10, OPTIONS],
    ['another checksum', 3 * PART + 77, { ...OPTIONS, checksum: 'crc32c' }],
    ['metadata of perhaps another content', 3 * PART + 77, { ...OPTIONS, md5OnStart: true }],
  ] as const) {
    first.write('f', 3 * PART + 77)
    await interrupted(first)
    const bytes = first.write('f', size)
    const second = await first.again(t, options)
    t.equal((await second.one('f')).outcome, 'uploaded', what)
    t.equal(second.requests('CreateMultipartUpload').length, 1)
    t.equal(second.requests('UploadPart').length, Math.ceil(size / options.chunkSize!))
    t.ok((await second.get(second.key('f'))).equals(bytes))
    t.same(await uploadsOf(second.client, second.key('f')), [])
    await second.client.call({ operation: 'DeleteObject', method: 'DELETE', key: second.key('f') })
  }
})

await t.test('an upload that is aborted by its process stays for the next', async t => {
  const first = await Yard.start(t, OPTIONS)
  const bytes = first.write('f', 3 * PART + 77)
  const rule = first.server!.faults.add({
    on: 'UploadPart',
    skip: 1,
    count: Infinity,
    fault: faults.delay(100),
  })
  const upload = first.one('f')
  while (rule.hits === 0) await new Promise(resolve => setTimeout(resolve, 5))
  first.abort.abort(new Error('stopped'))
  t.match(await upload, { outcome: 'failed' })
  rule.remove()
  t.equal((await uploadsOf(first.client, first.key('f'))).length, 1)
  const second = await first.again(t, OPTIONS)
  t.equal((await second.one('f')).outcome, 'uploaded')
  t.ok(second.requests('UploadPart').length < 4)
  t.ok((await second.get(second.key('f'))).equals(bytes))
})
