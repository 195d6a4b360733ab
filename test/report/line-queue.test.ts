import t from 'tap'

import { LineQueue, type LineOutput } from '../../src/report/line-queue.js'

/** A reader that takes so many bytes, and then no more until it is given more room. */
class Reader implements LineOutput {
  readonly joins: boolean
  room: number
  failure: string | undefined
  readonly writes: string[] = []

  constructor(room: number, joins = true) {
    this.room = room
    this.joins = joins
  }

  get text(): string {
    return this.writes.join('')
  }

  write(data: Uint8Array, offset: number): number {
    if (this.failure !== undefined) throw Object.assign(new Error(this.failure), { code: this.failure })
    const piece = data.subarray(offset, offset + this.room)
    if (piece.length > 0) this.writes.push(Buffer.from(piece).toString())
    this.room -= piece.length
    return piece.length
  }

  lossLine(count: number): string {
    return `[${count} lost]\n`
  }
}

await t.test('a reader that keeps up gets every line, joined into few writes', async t => {
  const reader = new Reader(Infinity)
  const queue = new LineQueue(reader)
  let wanted = ''
  for (let n = 0; n < 5000; n++) {
    const line = `line ${n} of a file with ä in its name\n`
    queue.add(line)
    wanted += line
  }
  await queue.flush()
  t.equal(reader.text, wanted)
  t.ok(reader.writes.length < 10, `${reader.writes.length} writes`)
})

await t.test(
  'the oldest lines are dropped and counted; the newest are there when the reader is back',
  async t => {
    const reader = new Reader(25)
    const queue = new LineQueue(reader, 100)
    for (let n = 100; n < 200; n++) {
      queue.add(`line ${n}\n`)
      if (n === 104) queue.pump()
    }
    t.equal(reader.text, 'line 100\nline 101\nline 10')
    reader.room = Infinity
    await queue.flush()
    const lines = reader.text.trimEnd().split('\n')
    t.strictSame(
      lines.slice(0, 5),
      [100, 101, 102, 103, 104].map(n => `line ${n}`),
      'what was being written is whole',
    )
    t.equal(lines[5], '[84 lost]', 'the count stands where the lines are missing')
    t.strictSame(
      lines.slice(6),
      Array.from({ length: 11 }, (_, n) => `line ${189 + n}`),
    )
    t.ok(queue.isEmpty)
  },
)

await t.test('a line longer than all the room is counted as well', async t => {
  const reader = new Reader(Infinity)
  const queue = new LineQueue(reader, 100)
  queue.add('x'.repeat(101))
  queue.add('y\n')
  await queue.flush()
  t.equal(reader.text, '[1 lost]\ny\n')
})

await t.test('a reader that has gone costs no time, and one that comes later is told', async t => {
  const reader = new Reader(Infinity)
  reader.failure = 'EPIPE'
  const queue = new LineQueue(reader, 50)
  for (let n = 0; n < 10_000; n++) queue.add(`line ${n}\n`)
  const began = performance.now()
  await queue.flush()
  t.ok(performance.now() - began < 1000)
  reader.failure = undefined
  while (!queue.isEmpty) await new Promise(resolve => setTimeout(resolve, 10))
  t.match(
    reader.text,
    /^\[\d+ lost\]\n(?:line 99\d\d\n)*line 9999\n$|^(?:line \d\n)+\[\d+ lost\]\n(?:line 99\d\d\n)*line 9999\n$/,
  )
})

await t.test('the end waits for a slow reader, but not for one that takes nothing', async t => {
  const reader = new Reader(0)
  const queue = new LineQueue(reader)
  for (let n = 0; n < 100; n++) queue.add(`line ${n}\n`)
  const timer = setInterval(() => (reader.room = 20), 20)
  await queue.flush(200)
  clearInterval(timer)
  t.ok(queue.isEmpty, 'it took longer than the patience, and all came')

  reader.room = 0
  queue.add('once more\n')
  const began = performance.now()
  await queue.flush(200)
  const took = performance.now() - began
  t.ok(took > 150 && took < 1500, `${took} ms`)
  t.notOk(queue.isEmpty)
})

await t.test('datagrams: one line a write', async t => {
  const reader = new Reader(Infinity, false)
  const queue = new LineQueue(reader)
  queue.add('one')
  queue.add('two')
  await queue.flush()
  t.strictSame(reader.writes, ['one', 'two'])
})

await t.test('nobody reads for a long time: the memory stays', async t => {
  const reader = new Reader(0)
  const queue = new LineQueue(reader, 64 * 1024)
  const add = (count: number): number => {
    for (let n = 0; n < count; n++) queue.add(`line ${n} ${'x'.repeat(n % 90)}\n`)
    return process.memoryUsage().heapUsed
  }
  add(100_000)
  const before = add(100_000)
  const after = add(500_000)
  t.ok(after - before < 32 * 1024 * 1024, `${before} to ${after}`)
})
