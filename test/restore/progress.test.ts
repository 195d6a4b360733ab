import { setTimeout as sleep } from 'node:timers/promises'
import { PassThrough } from 'node:stream'

import t from 'tap'

import { ProgressBar } from '../../src/cli/progress.js'
import { faults } from '../../dev/local-s3/index.js'
import { ProgressLines, clock, pace, type Amount, type Progress } from '../../src/report/progress.js'

import { LogLines, TABLE, World } from './support.js'

const MIB = 1024 * 1024

await t.test('rate and time left', t => {
  t.same(pace(0, 100, 1000), { rate: 0, left: undefined })
  t.same(pace(50, 100, 2000), { rate: 25, left: 2 })
  t.same(pace(150, 100, 1000), { rate: 150, left: 0 })
  t.same([0, 59.6, 61, 3725].map(clock), ['0:00', '1:00', '1:01', '1:02:05'])
  t.end()
})

await t.test('a line in every interval', async t => {
  const log = new LogLines()
  const lines = new ProgressLines(log, 50)
  lines.begin({ files: 4, bytes: 1000 })
  lines.update({ files: 1, bytes: 400 })
  // The timer holds no process up.
  await sleep(130, undefined, { ref: true })
  lines.end()
  const count = log.lines.length
  t.ok(count === 2 || count === 1, String(count))
  t.match(log.lines[0], /^info Restored 1 of 4 files, 400 of 1000 bytes; \d+\.\d MB\/s, 0:0\d left$/)
  await sleep(120, undefined, { ref: true })
  t.equal(log.lines.length, count, 'none after the end')
})

/** A terminal that keeps what is written to it. */
class Terminal extends PassThrough {
  readonly isTTY = true
  readonly columns = 120
  text = ''

  constructor() {
    super()
    this.on('data', (chunk: Buffer) => (this.text += chunk.toString()))
  }
}

await t.test('a bar on a terminal, below the lines of the log', t => {
  const terminal = new Terminal()
  const bar = new ProgressBar(terminal, line => terminal.write(line))
  bar.write('before\n')
  t.equal(terminal.text, 'before\n')
  bar.begin({ files: 4, bytes: 8 * MIB })
  bar.update({ files: 1, bytes: 2 * MIB })
  bar.write('between\n')
  t.match(
    terminal.text,
    /between\n[^\n]*#{6}\.{18} 25% {2}2\.0 MiB of 8\.0 MiB {2}\S+ .?.?B\/s {2}\d+:\d\d left[^\n]*$/,
  )
  bar.update({ files: 4, bytes: 9 * MIB })
  bar.write('last\n')
  t.match(terminal.text, /last\n[^\n]*#{24} 100% {2}8\.0 MiB of 8\.0 MiB[^\n]*$/, 'never more than all')
  const before = terminal.text.length
  bar.end()
  bar.write('after\n')
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  t.match(terminal.text.slice(before), /\x1b\[0?J[^\n]*after\n$/, 'it is gone')
  t.end()
})

await t.test('bytes are told as they come, and taken back when they are to come again', async t => {
  const world = await World.start(t)
  const told: Amount[] = []
  let total: Amount | undefined
  let ended = 0
  const follower: Progress = {
    begin: all => (total = all),
    update: done => told.push(done),
    end: () => ended++,
  }
  const large = Buffer.alloc(20 * MIB, 'large')
  await world.put(`node1:${TABLE}/nb-1-big-Data.db`, large)
  await world.put(`node1:${TABLE}/nb-1-big-Index.db`, 'small')
  t.match(await world.restore({ follower }), { exitCode: 0, files: 2 })
  t.same(total, { files: 2, bytes: large.length + 5 })
  t.equal(told.at(-1)?.bytes, large.length + 5)
  t.ok(told.length >= 3, 'a large file part by part')
  t.equal(ended, 1)

  await world.reset()
  told.length = 0
  await world.put(`node1:${TABLE}/nb-1-big-Data.db`, large)
  world.server.faults.add({ on: 'GET', key: /Data\.db$/, count: Infinity, fault: faults.corrupt(7) })
  t.match(await world.restore({ follower }), { exitCode: 1, failed: 1 })
  t.ok(told.some(({ bytes }) => bytes > 0))
  t.equal(told.at(-1)?.bytes, 0)
  t.equal(ended, 2)
})
