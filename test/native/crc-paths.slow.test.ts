import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { crc32, crc32c, crc64nvme, implementations, useImplementation } from 'tablesnap-io'

/** All three checksums of a piece, continued from others. */
function all(data: Uint8Array, previous: readonly bigint[] = [0n, 0n, 0n]): bigint[] {
  const [a = 0n, b = 0n, c = 0n] = previous
  return [crc64nvme(data, a), BigInt(crc32(data, Number(b))), BigInt(crc32c(data, Number(c)))]
}

function by(name: ReturnType<typeof implementations>[number], work: () => bigint[]): string {
  useImplementation(name)
  try {
    return work().join()
  } finally {
    useImplementation(implementations()[0] ?? 'table')
  }
}

const pool = randomBytes(70_000)

await t.test('what the kernel says of the processor is used', t => {
  const flags = new Set(
    /^(?:flags|Features)\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '),
  )
  const wide = flags.has('vpclmulqdq') && flags.has('pclmulqdq')
  const expected = [
    ...(wide && flags.has('avx512f') ? ['vpclmul512'] : []),
    ...(wide && flags.has('avx2') ? ['vpclmul256'] : []),
    ...(flags.has('pclmulqdq') ? ['pclmul'] : []),
    ...(flags.has('pmull') ? ['pmull'] : []),
    'table',
  ]
  t.same(implementations(), expected)
  t.end()
})

for (const name of implementations()) {
  await t.test(name, async t => {
    await t.test('known answers', t => {
      useImplementation(name)
      t.same(all(Buffer.from('123456789')), [0xae8b14860a799888n, 0xcbf43926n, 0xe3069283n])
      // NVM Express, NVM Command Set Specification, "64b CRC test cases"
      t.equal(crc64nvme(new Uint8Array(4096)), 0x6482d367eb22b64en)
      t.equal(crc64nvme(new Uint8Array(4096).fill(0xff)), 0xc0ddba7302eca3acn)
      // RFC 3720, B.4
      t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
      t.same(all(new Uint8Array(0), [5n, 6n, 7n]), [5n, 6n, 7n])
      t.end()
    })

    await t.test('the table’s result at every length and alignment', t => {
      const wrong: string[] = []
      for (let length = 0; length <= 1300; length++) {
        const start = length % 67
        const piece = pool.subarray(start, start + length)
        const previous = [BigInt(length) << 40n, BigInt(length * 7919), 0xffffffffn]
        if (by(name, () => all(piece, previous)) !== by('table', () => all(piece, previous)))
          wrong.push(`${length} bytes at ${start}`)
      }
      t.same(wrong, [])
      t.end()
    })

    await t.test('random cuts, each piece by another implementation', t => {
      const wrong: string[] = []
      for (let round = 0; round < 400; round++) {
        const start = Math.floor(Math.random() * 100)
        const data = pool.subarray(start, start + Math.floor(Math.random() * 69_000))
        const cut = Math.floor(Math.random() * (data.length + 1))
        const whole = by(name, () => all(data))
        useImplementation('table')
        const first = all(data.subarray(0, cut))
        if (by(name, () => all(data.subarray(cut), first)) !== whole)
          wrong.push(`${start} ${data.length} ${cut}`)
        if (by('table', () => all(data)) !== whole) wrong.push(`${start} ${data.length}`)
      }
      t.same(wrong, [])
      t.end()
    })
  })
}

await t.test('no such implementation', t => {
  for (const wrong of ['', 'sse', undefined, 1, 'table'.repeat(20)]) {
    t.throws(() => useImplementation(wrong as 'table'), {
      name: 'RangeError',
      code: 'ERR_OUT_OF_RANGE',
      message: 'name must be one of implementations()',
    })
  }
  t.end()
})
