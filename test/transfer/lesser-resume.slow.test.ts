import { crc64nvme } from 'tablesnap-io'
import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { hex64 } from '../../src/s3/checksum.js'
import { createMultipartUpload, uploadsOf } from '../../src/s3/multipart.js'
import { unfaithful } from '../support/unfaithful.js'
import { lesserServer } from './lesser-server.js'
import { MEBIBYTE, Yard, type YardOptions } from './support.js'

const PART = 5 * MEBIBYTE
const OPTIONS: YardOptions = { chunkSize: PART, maxUploadSize: PART, retries: 0 }
const CHECKSUM = /^x-amz-(checksum|sdk-checksum)-/

/** Fails the upload of `f` at its third part; returns how many parts are with the server. */
async function interrupted(yard: Yard): Promise<number> {
  const rule = yard.server!.faults.add({ on: 'UploadPart', skip: 2, fault: faults.internalError() })
  t.match(await yard.one('f'), { outcome: 'failed', error: { retry: true } })
  rule.remove()
  const sent = yard.requests('UploadPart').filter(({ status }) => status === 200).length
  yard.forget()
  return sent
}

await t.test('where parts have no checksums, their MD5s tell which ones need not be sent again', async t => {
  const direct = await Yard.start(t)
  const { endpoint } = await lesserServer(t, direct.server!.endpoint, { ignore: CHECKSUM })
  /** Another process, which has found out already what the server can do. */
  const process = async (): Promise<Yard> => {
    const yard = await direct.again(t, { ...OPTIONS, endpoint })
    yard.write('before', PART + 1)
    t.match(await yard.one('before'), { error: undefined })
    await yard.client.call({ operation: 'DeleteObject', method: 'DELETE', key: yard.key('before') })
    yard.forget()
    return yard
  }
  const first = await process()
  const bytes = first.write('f', 3 * PART + 77)
  const sent = await interrupted(first)
  bytes[5]! ^= 1
  first.write('f', bytes)
  const second = await process()
  t.equal((await second.one('f')).outcome, 'uploaded')
  t.equal(second.requests('UploadPart').length, 4 - sent + 1, 'what is missing, and what is another part now')
  t.equal(second.requests('CreateMultipartUpload').length, 0)
  t.ok((await direct.get(direct.key('f'))).equals(bytes))
  t.same(await uploadsOf(direct.client, direct.key('f')), [])
})

await t.test('an upload that was begun without checksums is no reason to do without them', async t => {
  const first = await Yard.start(t, { ...OPTIONS, checksum: 'md5' })
  const bytes = first.write('f', 3 * PART + 77)
  await interrupted(first)
  const second = await first.again(t, OPTIONS)
  t.equal((await second.one('f')).outcome, 'uploaded')
  t.ok((await second.get(second.key('f'))).equals(bytes))
  t.same(second.notes, [])
  t.same(await uploadsOf(second.client, second.key('f')), [], 'nothing unfinished is left')
  second.write('g', PART + 1)
  second.forget()
  t.equal((await second.one('g')).outcome, 'uploaded')
  t.type(second.requests('UploadPart')[0]?.headers['x-amz-checksum-crc64nvme'], 'string')
})

await t.test(
  'unfinished uploads that cannot be gone on with are aborted once the object is there',
  async t => {
    const yard = await Yard.start(t, OPTIONS)
    const key = yard.key('f')
    for (let i = 0; i < 3; i++) await createMultipartUpload(yard.client, key, {})
    await createMultipartUpload(yard.client, `${key}-other`, {})
    yard.write('f', PART + 1)
    t.equal((await yard.one('f')).outcome, 'uploaded')
    t.same(await uploadsOf(yard.client, key), [])
    t.equal((await uploadsOf(yard.client, `${key}-other`)).length, 1, 'that of another key stays')
  },
)

await t.test('a server that does not list uploads is asked once, and that is said once', async t => {
  // S3Proxy 2.6 answers 500 as soon as there is one.
  for (const [status, code] of [
    [501, 'NotImplemented'],
    [500, 'InternalError'],
  ] as const) {
    const yard = await Yard.start(t, OPTIONS)
    yard.server!.faults.add({
      on: 'ListMultipartUploads',
      count: Infinity,
      fault: faults.answer(status, code),
    })
    for (const name of ['f', 'g']) {
      yard.write(name, PART + 1)
      t.equal((await yard.one(name)).outcome, 'uploaded')
    }
    t.equal(yard.requests('ListMultipartUploads').length, 1)
    t.match(yard.notes, [/does not list unfinished uploads/])
  }
})

await t.test('an object that goes with another upload of its key is uploaded again', async t => {
  const direct = await Yard.start(t, OPTIONS)
  const key = direct.key('f')
  // S3Mock 4.7 does so.
  const endpoint = await unfaithful(t, direct.server!.endpoint, {
    request: async ({ method, url }) => {
      if (method === 'DELETE' && url.searchParams.has('uploadId'))
        await direct.client.call({ operation: 'DeleteObject', method: 'DELETE', key })
      return undefined
    },
  })
  const yard = await direct.again(t, { ...OPTIONS, endpoint })
  await createMultipartUpload(yard.client, key, {})
  const bytes = yard.write('f', PART + 1)
  t.equal((await yard.one('f')).outcome, 'uploaded')
  t.ok((await direct.get(key)).equals(bytes))
  t.same(await uploadsOf(direct.client, key), [])
})

await t.test('a size is not believed for a content, where a server tells no checksum', async t => {
  const direct = await Yard.start(t, { server: { etags: 'opaque' } })
  const { endpoint } = await lesserServer(t, direct.server!.endpoint, { ignore: CHECKSUM })
  const options: YardOptions = { ...OPTIONS, endpoint, checksum: 'md5' }
  const yard = await direct.again(t, options)
  for (const [name, size] of [
    ['small', 1000],
    ['large', PART + 1],
  ] as const) {
    const first = yard.write(name, size)
    t.equal((await yard.one(name)).outcome, 'uploaded', name)
    const other = yard.write(name, size)
    t.equal((await yard.one(name)).outcome, 'version', 'another content of the same size')
    t.ok((await direct.get(direct.versionKey(name, hex64(crc64nvme(other))))).equals(other))
    t.ok((await direct.get(direct.key(name))).equals(first), 'what was there stays')
    t.equal((await yard.one(name)).outcome, 'present', 'and only once')
  }
})
