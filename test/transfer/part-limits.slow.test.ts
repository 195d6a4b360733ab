import t from 'tap'

import { MAX_PARTS, MIN_PART, partSize } from '../../src/transfer/parts.js'

const MEBIBYTE = 2 ** 20
const GIBIBYTE = 2 ** 30
const bounds = { buffer: 16 * MEBIBYTE, maxUploadSize: undefined, chunkSize: undefined }

await t.test('one PUT, or parts', t => {
  t.equal(partSize(0, bounds), undefined)
  t.equal(partSize(8 * MEBIBYTE, bounds), undefined)
  t.equal(partSize(8 * MEBIBYTE + 1, bounds), 8 * MEBIBYTE)
  t.equal(partSize(12 * MEBIBYTE, { ...bounds, maxUploadSize: 12 * MEBIBYTE }), undefined)
  t.ok(partSize(20 * MEBIBYTE, { ...bounds, maxUploadSize: GIBIBYTE }), 'never more than a buffer in one PUT')
  t.equal(partSize(100 * MEBIBYTE, { ...bounds, chunkSize: 5 * MEBIBYTE }), 5 * MEBIBYTE)
  t.equal(partSize(100 * MEBIBYTE, { ...bounds, chunkSize: 64 * MEBIBYTE }), 16 * MEBIBYTE)
  t.end()
})

await t.test("whatever the size, S3's limits hold", t => {
  for (const buffer of [MIN_PART, 8 * MEBIBYTE, 16 * MEBIBYTE]) {
    for (const chunkSize of [undefined, 5 * MEBIBYTE, 256 * MEBIBYTE]) {
      for (let size = MEBIBYTE; size <= 5 * 1024 * GIBIBYTE; size = Math.ceil(size * 1.7)) {
        const part = partSize(size, { buffer, maxUploadSize: undefined, chunkSize })
        if (part === undefined) continue
        t.ok(
          part >= MIN_PART && Math.ceil(size / part) <= MAX_PARTS && part <= 5 * GIBIBYTE,
          `${size} in ${part}`,
        )
      }
    }
  }
  t.end()
})
