import { randomBytes } from 'node:crypto'
import { crc32 as crc32OfNode } from 'node:zlib'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { crc32, crc32Combine, crc32c, crc32cCombine, crc64nvme, crc64nvmeCombine } from 'tablesnap-io'

/** Bit by bit, as the CRC catalogue defines the reflected ones with all ones at start and end. */
function naive(polynomial: bigint, width: bigint, data: Uint8Array): bigint {
  const ones = (1n << width) - 1n
  let crc = ones
  for (const byte of data) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? polynomial : 0n)
  }
  return crc ^ ones
}

/** The lowest bit becomes the highest. */
function mirror(value: bigint, width: bigint): bigint {
  return BigInt(`0b${value.toString(2).padStart(Number(width), '0').split('').reverse().join('')}`)
}

/** a · x^(8 · length) + b over GF(2), modulo the generator; written the usual way round, in which x^0 is the lowest bit. */
function combined(polynomial: bigint, width: bigint, a: bigint, b: bigint, length: number): bigint {
  const generator = (1n << width) | mirror(polynomial, width)
  const times = (left: bigint, right: bigint) => {
    let product = 0n
    for (let bit = 0n; bit < width; bit++) if ((right >> bit) & 1n) product ^= left << bit
    for (let bit = width - 2n; bit >= 0n; bit--)
      if ((product >> (bit + width)) & 1n) product ^= generator << bit
    return product
  }
  let power = 1n
  for (const bit of (8n * BigInt(length)).toString(2)) {
    power = times(power, power)
    if (bit === '1') power = times(power, 2n)
  }
  return mirror(times(mirror(a, width), power), width) ^ b
}

/** One shape for all three, in bigints. */
const ALGORITHMS = [
  {
    name: 'crc64nvme',
    check: 0xae8b14860a799888n,
    polynomial: 0x9a6c9329ac4bc9b5n,
    width: 64n,
    update: crc64nvme,
    combine: crc64nvmeCombine,
  },
  {
    name: 'crc32',
    check: 0xcbf43926n,
    polynomial: 0xedb88320n,
    width: 32n,
    update: (data: Uint8Array, previous = 0n) => BigInt(crc32(data, Number(previous))),
    combine: (a: bigint, b: bigint, length: number) => BigInt(crc32Combine(Number(a), Number(b), length)),
  },
  {
    name: 'crc32c',
    check: 0xe3069283n,
    polynomial: 0x82f63b78n,
    width: 32n,
    update: (data: Uint8Array, previous = 0n) => BigInt(crc32c(data, Number(previous))),
    combine: (a: bigint, b: bigint, length: number) => BigInt(crc32cCombine(Number(a), Number(b), length)),
  },
]

for (const { name, check, polynomial, width, update, combine } of ALGORITHMS) {
  await t.test(name, async t => {
    await t.test('the catalogue’s check value, and nothing', t => {
      t.equal(update(Buffer.from('123456789')), check)
      t.equal(update(new Uint8Array(0)), 0n)
      t.equal(update(new Uint8Array(0), check), check)
      t.equal(update(Buffer.from('123456789'), undefined), check)
      t.end()
    })

    await t.test('agrees with the definition at every length and alignment', t => {
      const data = randomBytes(400)
      let wrong = 0
      for (let length = 0; length <= 150; length++) {
        const piece = data.subarray(length % 17, (length % 17) + length)
        if (update(piece) !== naive(polynomial, width, piece)) wrong++
      }
      const long = randomBytes(100_003)
      if (update(long) !== naive(polynomial, width, long)) wrong++
      t.equal(wrong, 0)
      t.end()
    })

    await t.test('pieces, continued and combined', t => {
      let wrong = 0
      for (let round = 0; round < 300; round++) {
        const data = randomBytes(Math.floor(Math.random() * 5000))
        const cuts = [Math.random(), Math.random()]
          .map(x => Math.floor(x * (data.length + 1)))
          .sort((x, y) => x - y)
        const pieces = [data.subarray(0, cuts[0]), data.subarray(cuts[0], cuts[1]), data.subarray(cuts[1])]
        const whole = update(data)
        if (pieces.reduce((crc, piece) => update(piece, crc), 0n) !== whole) wrong++
        if (pieces.reduce((crc, piece) => combine(crc, update(piece), piece.length), 0n) !== whole) wrong++
      }
      t.equal(wrong, 0)
      t.end()
    })

    await t.test('combining with nothing', t => {
      t.equal(combine(check, 0n, 0), check)
      t.equal(combine(0n, check, 9), check)
      t.equal(combine(0n, 0n, 0), 0n)
      t.end()
    })

    await t.test('lengths far beyond 2^32, against long multiplication', t => {
      const [a, b] = [update(randomBytes(100)), update(randomBytes(77))]
      const lengths = [1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 3 * 2 ** 33 + 5, 2 ** 40, 2 ** 53 - 1]
      for (const length of lengths) {
        t.equal(combine(a, b, length), combined(polynomial, width, a, b, length), `${length} bytes`)
      }
      t.equal(combined(polynomial, width, a, b, 77), combine(a, b, 77))
      const zeros = new Uint8Array(2 ** 24)
      t.equal(combined(polynomial, width, a, update(zeros), zeros.length), update(zeros, a))
      t.end()
    })
  })
}

await t.test('known answers', t => {
  // RFC 3720, B.4
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  t.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c)
  // NVM Express, NVM Command Set Specification, "64b CRC test cases"
  t.equal(crc64nvme(new Uint8Array(4096)), 0x6482d367eb22b64en)
  t.equal(crc64nvme(new Uint8Array(4096).fill(0xff)), 0xc0ddba7302eca3acn)
  t.equal(crc64nvme(Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff)), 0x3e729f5f6750449cn)
  t.end()
})

await t.test('crc32 is zlib’s', t => {
  const data = randomBytes(1_000_003)
  t.equal(crc32(data), crc32OfNode(data))
  t.equal(crc32(data, 0xffffffff), crc32OfNode(data, 0xffffffff))
  t.end()
})

await t.test('arguments of the wrong kind', t => {
  const data = new Uint8Array(1)
  const call = (f: unknown, ...args: unknown[]) => (f as (...args: unknown[]) => unknown)(...args)
  for (const f of [crc64nvme, crc32, crc32c]) {
    for (const wrong of [
      undefined,
      null,
      'abc',
      [1],
      {},
      new ArrayBuffer(8),
      new Uint16Array(4),
      new DataView(new ArrayBuffer(1)),
    ]) {
      t.throws(() => call(f, wrong), {
        name: 'TypeError',
        message: 'data must be a Uint8Array',
        code: 'ERR_INVALID_ARG_TYPE',
      })
    }
  }
  for (const wrong of [null, 1, '1', -1n, 2n ** 64n]) {
    const range = 'must be a bigint from 0 to 2^64-1'
    t.throws(() => call(crc64nvme, data, wrong), new TypeError(`previous ${range}`))
    t.throws(() => call(crc64nvmeCombine, wrong, 0n, 0), new TypeError(`a ${range}`))
    t.throws(() => call(crc64nvmeCombine, 0n, wrong, 0), new TypeError(`b ${range}`))
  }
  for (const wrong of [null, 1n, '1', -1, 0.5, NaN, Infinity, 2 ** 32]) {
    const range = 'must be an integer from 0 to 2^32-1'
    for (const f of [crc32, crc32c]) t.throws(() => call(f, data, wrong), new TypeError(`previous ${range}`))
    for (const f of [crc32Combine, crc32cCombine]) {
      t.throws(() => call(f, wrong, 0, 0), new TypeError(`a ${range}`))
      t.throws(() => call(f, 0, wrong, 0), new TypeError(`b ${range}`))
    }
  }
  for (const wrong of [undefined, null, 1n, '1', -1, 0.5, NaN, Infinity, 2 ** 53]) {
    const complaint = new TypeError('lengthOfB must be an integer from 0 to 2^53-1')
    t.throws(() => call(crc64nvmeCombine, 0n, 0n, wrong), complaint)
    t.throws(() => call(crc32Combine, 0, 0, wrong), complaint)
    t.throws(() => call(crc32cCombine, 0, 0, wrong), complaint)
  }
  t.end()
})

await t.test('shared memory, detached memory, another thread', async t => {
  const shared = new Uint8Array(new SharedArrayBuffer(9))
  shared.set(Buffer.from('123456789'))
  t.equal(crc64nvme(shared), 0xae8b14860a799888n)
  const detached = new Uint8Array(9)
  structuredClone(detached, { transfer: [detached.buffer] })
  t.equal(crc64nvme(detached), 0n)
  const source = `
    import(${JSON.stringify(import.meta.resolve('tablesnap-io'))}).then(io => {
      require('node:worker_threads').parentPort.postMessage(io.crc32c(Buffer.from('123456789')))
    })`
  const worker = new Worker(source, { eval: true, execArgv: [] })
  t.equal(await new Promise(resolve => worker.once('message', resolve)), 0xe3069283)
})
