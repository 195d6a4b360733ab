import { appendFileSync, closeSync, openSync, truncateSync, utimesSync, writeSync } from 'node:fs'

import { crc64nvme } from 'tablesnap-io'
import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { hex64 } from '../../src/s3/checksum.js'
import { putObject } from '../../src/s3/object.js'
import { MEBIBYTE, Yard, md5 } from './support.js'

const UNIT = 64 * 1024

await t.test('from nothing to one byte more than a PUT takes', async t => {
  const yard = await Yard.start(t, { maxUploadSize: MEBIBYTE })
  for (const size of [0, 1, UNIT - 1, UNIT, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1]) {
    const name = `f${size}`
    const bytes = yard.write(name, size)
    yard.forget()
    t.match(await yard.one(name), { outcome: 'uploaded', bytes: size, error: undefined }, `${size} bytes`)
    t.ok((await yard.get(yard.key(name))).equals(bytes), 'come back')
    const info = await yard.head(yard.key(name))
    t.same(info?.checksums, { crc64nvme: crc64nvme(bytes), type: 'FULL_OBJECT' })
    t.equal(yard.requests('CreateMultipartUpload').length, size > MEBIBYTE ? 1 : 0)
    t.match(JSON.parse(info?.metadata['stat'] ?? ''), { uid: process.getuid!(), mode: 0o100644 })
  }
})

await t.test('what is there already is not written again, other content goes elsewhere', async t => {
  const yard = await Yard.start(t)
  const first = yard.write('f', 1000)
  t.equal((await yard.one('f')).outcome, 'uploaded')
  t.equal((await yard.one('f')).outcome, 'present')
  const second = yard.write('f', 1000)
  t.match(await yard.one('f'), { outcome: 'version', entry: { key: /\.tablesnap\/.*\/versions\// } })
  t.equal((await yard.one('f')).outcome, 'present', 'there, too, only once')
  t.ok((await yard.get(yard.key('f'))).equals(first), 'the first stays')
  const versionKey = yard.versionKey('f', hex64(crc64nvme(second)))
  t.ok((await yard.get(versionKey)).equals(second))
  yard.write('f', first)
  t.equal((await yard.one('f')).outcome, 'present', 'back again')

  const third = yard.write('f', 1000)
  const taken = yard.versionKey('f', hex64(crc64nvme(third)))
  const foreign = { body: Buffer.alloc(1000, 'x'), headers: {} }
  await putObject(yard.client, taken, foreign, { headers: {}, ifAbsent: true })
  const conflict = await yard.one('f')
  t.match(conflict, { outcome: 'failed', error: { code: 'S3_VERSION_CONFLICT', retry: false } })
  t.ok((await yard.get(taken)).equals(foreign.body), 'what somebody else wrote stays')
})

await t.test('what a server without checksums of its own holds is known by its MD5', async t => {
  const yard = await Yard.start(t)
  const first = yard.write('f', 1000)
  const plain = { body: first, headers: {} }
  await putObject(yard.client, yard.key('f'), plain, { headers: {}, ifAbsent: true })
  t.equal((await yard.one('f')).outcome, 'present')
  yard.write('f', 1000)
  t.equal((await yard.one('f')).outcome, 'version')
})

await t.test('a file that changes is not uploaded', async t => {
  const yard = await Yard.start(t)
  const changes: Record<string, (path: string) => void> = {
    grows: path => appendFileSync(path, 'x'),
    shrinks: path => truncateSync(path, 10),
    'is emptied': path => truncateSync(path, 0),
    'is written in place': path => {
      const fd = openSync(path, 'r+')
      writeSync(fd, 'x', 5)
      closeSync(fd)
    },
    'gets another time': path => utimesSync(path, 1, 1),
  }
  for (const [how, change] of Object.entries(changes)) {
    yard.write('first', 100)
    const bytes = yard.write(how, 100_000)
    yard.forget()
    // Both are open; the second is read when the first is answered.
    const rule = yard.server!.faults.add({ on: 'PutObject', fault: faults.delay(150) })
    const uploads = yard.upload('first', how)
    while (rule.hits === 0) await new Promise(resolve => setTimeout(resolve, 5))
    change(yard.path(how))
    const [, changed] = await uploads
    t.match(changed, { outcome: 'failed', error: { code: 'FILE_CHANGED', retry: true } }, how)
    t.equal(await yard.head(yard.key(how)), undefined, 'nothing of it is stored')
    yard.write(how, bytes)
    t.equal((await yard.one(how)).outcome, 'uploaded', 'it is once it is quiet')
    yard.write('first', 101)
  }
})

await t.test('answers that are lost, refused or late', async t => {
  const yard = await Yard.start(t)
  const put = async (name: string, expected: string): Promise<void> => {
    const bytes = yard.write(name, 50_000)
    t.equal((await yard.one(name)).outcome, expected, name)
    t.ok((await yard.get(yard.key(name))).equals(bytes))
    t.equal(yard.server!.faults.pending, 0)
  }
  await put('plain', 'uploaded')
  const { faults: script } = yard.server!
  script.add({ on: 'PutObject', fault: faults.loseAnswer() })
  await put('lost', 'present')
  script.add({ on: 'PutObject', fault: faults.answer(409, 'ConditionalRequestConflict') })
  await put('two writers', 'uploaded')
  script.add({ on: 'PutObject', fault: faults.answer(400, 'BadDigest') })
  await put('damaged on the way', 'uploaded')
  script.add({ on: 'PutObject', fault: faults.slowDown({ when: 'early' }) })
  script.add({ on: 'PutObject', fault: faults.reset(10_000) })
  script.add({ on: 'PutObject', fault: faults.internalError() })
  await put('busy', 'uploaded')
  script.add({ on: 'PutObject', fault: faults.loseAnswer() })
  script.add({ on: 'HeadObject', fault: faults.internalError() })
  await put('lost, and the question as well', 'present')

  script.add({ on: 'PutObject', count: 5, fault: faults.answer(409, 'ConditionalRequestConflict') })
  yard.write('for ever', 10)
  t.match(await yard.one('for ever'), {
    outcome: 'failed',
    error: { code: 'S3_CONDITIONAL_REQUEST_CONFLICT', retry: true, name: 'S3Error' },
  })
  script.add({ on: 'PutObject', fault: faults.answer(403, 'AccessDenied') })
  yard.write('denied', 10)
  yard.write('after it', 10)
  t.match(
    await yard.upload('denied', 'after it'),
    [{ error: { code: 'S3_ACCESS_DENIED', retry: false } }, { outcome: 'uploaded' }],
    'one file’s failure does not stop the next',
  )
})

await t.test('each checksum is sent, verified and found again', async t => {
  const yard = await Yard.start(t)
  for (const checksum of ['crc64nvme', 'crc32c', 'sha256', 'md5'] as const) {
    const other = await yard.again(t, { checksum })
    const bytes = yard.write(checksum, 70_000)
    t.equal((await other.one(checksum)).outcome, 'uploaded', checksum)
    const [put] = other.requests('PutObject')
    const header = checksum === 'md5' ? 'content-md5' : `x-amz-checksum-${checksum}`
    t.type(put?.headers[header], 'string', `${header} is sent`)
    const payload = put?.headers['x-amz-content-sha256']
    t.equal(payload === 'UNSIGNED-PAYLOAD', checksum !== 'sha256', 'SHA-256 signs the payload')
    t.equal((await other.one(checksum)).outcome, 'present', 'the same is recognised')
    yard.write(checksum, 70_000)
    t.equal((await other.one(checksum)).outcome, 'version', 'and so is another')
    t.ok((await other.get(other.key(checksum))).equals(bytes))
    t.same(other.notes, [])
  }
})

await t.test('metadata and storage headers', async t => {
  const yard = await Yard.start(t, {
    md5OnStart: true,
    object: { storageClass: 'STANDARD_IA', sse: 'aws:kms', kmsKeyId: 'the-key' },
  })
  const bytes = yard.write('f', 1000)
  t.equal((await yard.one('f')).outcome, 'uploaded')
  t.match(yard.requests('PutObject')[0]?.headers, {
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': 'the-key',
    'x-amz-meta-md5sum': md5(bytes),
    'if-none-match': '*',
  })
  t.match((await yard.head(yard.key('f')))?.metadata, { md5sum: md5(bytes) })
})
