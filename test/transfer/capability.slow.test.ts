import { crc64nvme } from 'tablesnap-io'
import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { hex64 } from '../../src/s3/checksum.js'
import { uploadsOf } from '../../src/s3/multipart.js'
import { lesserServer, type Lack } from './lesser-server.js'
import { MEBIBYTE, Yard } from './support.js'

const PART = 5 * MEBIBYTE
const CHECKSUM = /^x-amz-(checksum|sdk-checksum)-/
const CONDITION = /^if-none-match$/

const NO_CHECKSUMS = /does not verify crc64nvme checksums/
const NO_CONDITIONS = /has no conditional writes/

const LACKS: Record<string, { lack: Lack; notes: RegExp[] }> = {
  'answers 501 to checksums': {
    lack: { refuse: { header: CHECKSUM, status: 501, code: 'NotImplemented' } },
    notes: [NO_CHECKSUMS],
  },
  'answers 400 to checksums': {
    lack: { refuse: { header: CHECKSUM, status: 400, code: 'InvalidArgument' } },
    notes: [NO_CHECKSUMS],
  },
  'looks past checksums': { lack: { ignore: CHECKSUM }, notes: [NO_CHECKSUMS] },
  'answers 501 to conditions': {
    lack: { refuse: { header: CONDITION, status: 501, code: 'NotImplemented' } },
    notes: [NO_CONDITIONS],
  },
  'looks past conditions': { lack: { ignore: CONDITION }, notes: [NO_CONDITIONS] },
  'looks past both': {
    lack: { ignore: new RegExp(`${CHECKSUM.source}|${CONDITION.source}`) },
    notes: [NO_CHECKSUMS, NO_CONDITIONS],
  },
  'answers 501 to both': {
    lack: {
      refuse: {
        header: new RegExp(`${CHECKSUM.source}|${CONDITION.source}`),
        status: 501,
        code: 'NotImplemented',
      },
    },
    notes: [NO_CHECKSUMS, NO_CONDITIONS],
  },
}

for (const [what, { lack, notes }] of Object.entries(LACKS)) {
  await t.test(`a server that ${what}`, async t => {
    const direct = await Yard.start(t)
    const { endpoint } = await lesserServer(t, direct.server!.endpoint, lack)
    const options = { endpoint, chunkSize: PART, maxUploadSize: PART }
    const yard = await direct.again(t, options)
    const small = yard.write('small', 1000)
    const large = yard.write('large', PART + 1)
    t.match(await yard.upload('small', 'large'), [{ outcome: 'uploaded' }, { outcome: 'uploaded' }])
    t.ok((await direct.get(direct.key('small'))).equals(small))
    t.ok((await direct.get(direct.key('large'))).equals(large))
    t.same(await uploadsOf(direct.client, direct.key('large')), [], 'nothing unfinished is left')
    const kept = yard
      .requests()
      .filter(({ operation }) => /^(PutObject|UploadPart)$/.test(operation))
      .slice(-2)
    for (const { headers } of notes.includes(NO_CHECKSUMS) ? kept : [])
      t.type(headers['content-md5'], 'string')
    t.equal(yard.notes.length, notes.length, 'the operator is told once')
    for (const note of notes)
      t.ok(
        yard.notes.some(text => note.test(text)),
        String(note),
      )

    t.match(await yard.upload('small', 'large'), [{ outcome: 'present' }, { outcome: 'present' }])

    // A process that knows nothing of the server yet, and other content under a taken name.
    const later = await direct.again(t, options)
    const other = later.write('small', 1000)
    later.write('large', PART + 1)
    t.equal((await later.one('small')).outcome, 'version')
    t.ok((await direct.get(direct.key('small'))).equals(small), 'what was there is not written over')
    t.ok((await direct.get(direct.versionKey('small', hex64(crc64nvme(other))))).equals(other))
    t.equal((await later.one('large')).outcome, 'version')
    t.ok((await direct.get(direct.key('large'))).equals(large))
  })
}

await t.test('a server that looks past checksums, and whose ETags are no MD5s', async t => {
  const direct = await Yard.start(t, { server: { etags: 'opaque' } })
  const { endpoint } = await lesserServer(t, direct.server!.endpoint, { ignore: CHECKSUM })
  const yard = await direct.again(t, { endpoint })
  const bytes = [yard.write('first', 1000), yard.write('second', 1000)]
  t.match(
    await yard.upload('first', 'second'),
    [{ outcome: 'version' }, { outcome: 'uploaded' }],
    'nothing proves the first, so it is sent once more, and proven then',
  )
  t.ok((await direct.get(direct.versionKey('first', hex64(crc64nvme(bytes[0]!))))).equals(bytes[0]!))
  t.ok((await direct.get(direct.key('second'))).equals(bytes[1]!))
  t.equal(yard.notes.length, 1)
})

await t.test('what a process learns, it learns once', async t => {
  const direct = await Yard.start(t)
  const { endpoint } = await lesserServer(t, direct.server!.endpoint, { ignore: CONDITION })
  const yard = await direct.again(t, { endpoint })
  for (const name of ['a', 'b', 'c', 'd']) {
    yard.write(name, 100)
    await yard.one(name)
  }
  t.same(yard.counts(), { HeadObject: 4, PutObject: 5 }, 'one PUT to try it, a HEAD before each')

  const able = await direct.again(t, { threads: 2 })
  able.forget()
  for (const name of ['e', 'f', 'g', 'h']) able.write(name, 100)
  for (const name of ['e', 'f', 'g', 'h']) await able.one(name)
  t.same(
    able.counts(),
    { HeadObject: 1, PutObject: 5 },
    'a server that keeps its word costs two requests a process',
  )
  t.same(able.notes, [])
})

await t.test('a failure of the trial is no failure of the file', async t => {
  const yard = await Yard.start(t)
  yard.server!.faults.add({ on: 'PutObject', skip: 1, count: 5, fault: faults.internalError() })
  const bytes = yard.write('a', 100)
  yard.write('b', 100)
  t.match(await yard.upload('a', 'b'), [{ outcome: 'uploaded' }, { outcome: 'uploaded' }])
  t.ok((await yard.get(yard.key('a'))).equals(bytes))
})

await t.test('a refusal that has another reason is told as it is', async t => {
  const direct = await Yard.start(t, { chunkSize: PART, maxUploadSize: PART })
  const { endpoint } = await lesserServer(t, direct.server!.endpoint, {
    refuse: { header: /^x-amz-storage-class$/, status: 501, code: 'NotImplemented' },
  })
  const yard = await direct.again(t, {
    endpoint,
    chunkSize: PART,
    maxUploadSize: PART,
    object: { storageClass: 'GLACIER' },
  })
  yard.write('small', 100)
  yard.write('large', PART + 1)
  for (const outcome of await yard.upload('small', 'large')) {
    t.match(outcome, {
      outcome: 'failed',
      error: { code: 'S3_NOT_IMPLEMENTED', message: /x-amz-storage-class/ },
    })
  }
  t.same(yard.notes, [], 'nothing is said of what the server can do')
})
