import t from 'tap'

import { MAX_PARTS, MIN_PART, partSize, type PartBounds } from '../../src/transfer/parts.js'

const MEBIBYTE = 1024 ** 2
const GIBIBYTE = 1024 ** 3
const TEBIBYTE = 1024 ** 4

function bounds(more: Partial<PartBounds> = {}): PartBounds {
  return { buffer: 16 * MEBIBYTE, maxUploadSize: undefined, chunkSize: undefined, ...more }
}

await t.test('a file goes up in one PUT up to a part', t => {
  for (const size of [0, 1, 8 * MEBIBYTE]) t.equal(partSize(size, bounds()), undefined)
  t.equal(partSize(8 * MEBIBYTE + 1, bounds()), 8 * MEBIBYTE)
  const more = bounds({ maxUploadSize: 12 * MEBIBYTE })
  t.equal(partSize(12 * MEBIBYTE, more), undefined)
  t.equal(partSize(12 * MEBIBYTE + 1, more), 8 * MEBIBYTE)
  t.equal(partSize(0, bounds({ maxUploadSize: 0 })), undefined)
  t.equal(partSize(1, bounds({ maxUploadSize: 0 })), 8 * MEBIBYTE)
  t.equal(
    partSize(17 * MEBIBYTE, bounds({ maxUploadSize: GIBIBYTE })),
    8 * MEBIBYTE,
    'a PUT fits into a buffer',
  )
  t.end()
})

await t.test('what is asked for is an upper bound', t => {
  t.equal(partSize(GIBIBYTE, bounds({ chunkSize: 6 * MEBIBYTE })), 6 * MEBIBYTE)
  t.equal(partSize(GIBIBYTE, bounds({ chunkSize: MEBIBYTE })), MIN_PART, 'S3 takes no smaller ones')
  t.equal(
    partSize(GIBIBYTE, bounds({ chunkSize: 256 * MEBIBYTE })),
    16 * MEBIBYTE,
    'a part fits into a buffer',
  )
  t.equal(
    partSize(GIBIBYTE, bounds({ buffer: MEBIBYTE })),
    MIN_PART,
    'but where a buffer is smaller than S3 allows',
  )
  t.equal(partSize(7 * MEBIBYTE, bounds({ buffer: 6 * MEBIBYTE })), 6 * MEBIBYTE)
  t.end()
})

await t.test('parts grow with the file', t => {
  t.equal(partSize(4 * GIBIBYTE, bounds()), 8 * MEBIBYTE)
  t.equal(partSize(4 * GIBIBYTE + 1, bounds()), 9 * MEBIBYTE)
  t.equal(
    partSize(300 * GIBIBYTE, bounds()),
    31 * MEBIBYTE,
    'beyond the buffer, rather than be more than 10,000',
  )
  t.end()
})

await t.test('never more than 10,000, none below 5 MiB or beyond 5 GiB', t => {
  const sizes = [5 * MEBIBYTE, 8 * MEBIBYTE, GIBIBYTE, 100 * GIBIBYTE, TEBIBYTE, 5 * TEBIBYTE, 48 * TEBIBYTE]
  for (const base of sizes) {
    for (const size of [base - 1, base, base + 1]) {
      for (const buffer of [MEBIBYTE, 8 * MEBIBYTE, 16 * MEBIBYTE]) {
        for (const chunkSize of [undefined, 1, 5 * MEBIBYTE, 100 * MEBIBYTE]) {
          const part = partSize(size, bounds({ buffer, chunkSize }))
          if (part === undefined) continue
          const parts = Math.ceil(size / part)
          if (parts > MAX_PARTS || part < MIN_PART || part > 5 * GIBIBYTE || !Number.isInteger(part)) {
            t.fail(`${size} bytes: ${parts} parts of ${part}`)
          }
        }
      }
    }
  }
  t.equal(partSize(5 * TEBIBYTE, bounds()), 525 * MEBIBYTE)
  t.pass()
  t.end()
})
