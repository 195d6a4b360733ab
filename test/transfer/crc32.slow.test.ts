import { closeSync, openSync, statSync } from 'node:fs'
import { crc32 } from 'node:zlib'

import t, { type Test } from 'tap'

import { uploadInParts } from '../../src/transfer/multipart.js'
import type { FileUpload } from '../../src/transfer/upload/upload-task.js'

import { MEBIBYTE, Yard } from './support.js'

const PART = 5 * MEBIBYTE

function refer(t: Test, yard: Yard, name: string, asked: boolean): FileUpload {
  const path = yard.path(name)
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  const { size, mtimeNs } = statSync(path, { bigint: true })
  return {
    ...{ fd, path, key: yard.key(name), size: Number(size), mtime: mtimeNs, crc32: asked },
    ...{ headers: {}, versionStem: `versions/${name}`, md5: false, trustsSize: true },
  }
}

await t.test('the CRC-32 of a file comes with its upload, where it is asked for', async t => {
  const yard = await Yard.start(t, { threads: 2 })
  const small = yard.write('nb-1-big-Data.db', 100_000)
  const large = yard.write('nb-2-big-Data.db', 3 * PART + 4321)
  for (const asked of [true, false]) {
    const file = refer(t, yard, 'nb-1-big-Data.db', asked)
    const expected = asked ? crc32(small) : undefined
    const [outcome] = await yard.engine.files({ kind: 'files', files: [file] })
    t.match(outcome, { ok: true, value: { outcome: asked ? 'uploaded' : 'present' } })
    t.ok(outcome?.ok)
    if (outcome?.ok === true) t.equal(outcome.value.crc32, expected)
    t.equal((await yard.engine.digest({ kind: 'digest', file, md5: false })).crc32, expected)
  }
  for (const asked of [true, false]) {
    const plain = refer(t, yard, 'nb-2-big-Data.db', asked)
    const file = { ...plain, key: `${plain.key}-${String(asked)}` }
    const expected = asked ? crc32(large) : undefined
    const deps = { client: yard.client, engine: yard.engine, signal: yard.abort.signal }
    const plan = { file, part: PART, checksum: 'crc64nvme', headers: {} } as const
    const sums = await uploadInParts(deps, plan)
    t.equal(sums.crc32, expected)
    t.equal(sums.crc64, (await yard.head(file.key))?.checksums.crc64nvme)
    t.equal((await yard.engine.digest({ kind: 'digest', file, md5: false })).crc32, expected)
  }
})

await t.test('also of parts that an earlier process sent, and of those that are read twice', async t => {
  const yard = await Yard.start(t, { threads: 1, memory: 8 * MEBIBYTE })
  const content = yard.write('nb-1-big-Data.db', 22 * MEBIBYTE)
  const file = refer(t, yard, 'nb-1-big-Data.db', true)
  const part = 10 * MEBIBYTE
  const abort = new AbortController()
  const deps = { client: yard.client, engine: yard.engine, signal: abort.signal }
  const plan = { file, part, checksum: 'crc64nvme', headers: {} } as const
  const first = uploadInParts(deps, plan)
  while (yard.requests('UploadPart').length < 2) await new Promise(resolve => setTimeout(resolve, 5))
  abort.abort()
  await t.rejects(first)
  yard.forget()
  const sums = await uploadInParts({ ...deps, signal: yard.abort.signal }, plan)
  t.equal(sums.crc32, crc32(content))
  t.ok(yard.requests('UploadPart').length < 3, 'something was there already')
})
