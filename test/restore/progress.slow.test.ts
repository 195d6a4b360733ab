import { setTimeout as sleep } from 'node:timers/promises'
import { PassThrough } from 'node:stream'

import t from 'tap'

import { ProgressBar, barLine } from '../../src/cli/progress.js'
import { faults } from '../../dev/local-s3/index.js'
import { PaceKeeper, ProgressLines, clock, type Amount, type Progress } from '../../src/report/progress.js'

import { LogLines, TABLE, World } from './support.js'

const MIB = 1024 * 1024

await t.test('the rate is that of the last minute', t => {
  let now = 0
  const keeper = new PaceKeeper({ count: 4, bytes: 10_000 }, () => now)
  const reach = (time: number, bytes: number) => {
    now = time
    keeper.update({ count: 1, bytes }, undefined)
  }
  t.match(keeper.pace, { rate: 0, left: undefined })
  reach(2_000, 50)
  t.match(keeper.pace, { rate: 25, left: 398 })
  for (let second = 3; second <= 120; second++) reach(second * 1000, 50 + second * 10)
  t.equal(Math.round(keeper.pace.rate), 10, 'what was faster two minutes ago does not count')
  reach(121_000, 20_000)
  t.match(keeper.pace, { done: { count: 1, bytes: 10_000 }, left: 0 }, 'never more than all')
  t.same([0, 59.6, 61, 3725].map(clock), ['0:00', '1:00', '1:01', '1:02:05'])
  t.end()
})

await t.test('a line in every interval', async t => {
  const log = new LogLines()
  const lines = new ProgressLines(log, 50)
  lines.begin({ verb: 'Restored', things: 'files' }, { count: 4, bytes: 4096 })
  lines.update({ count: 1, bytes: 1024 })
  // The timer holds no process up.
  await sleep(130, undefined, { ref: true })
  lines.end()
  const count = log.lines.length
  t.ok(count === 2 || count === 1, String(count))
  t.match(
    log.lines[0],
    /^info Restored 1 of 4 files, 1\.0 KiB of 4\.0 KiB; \d+\.\d KiB\/s in the last minute, 0:0\d left$/,
  )
  await sleep(120, undefined, { ref: true })
  t.equal(log.lines.length, count, 'none after the end')
})

await t.test('a bar fits every terminal, and says less in a narrow one', t => {
  const pace = {
    done: { count: 1023, bytes: 1023.9 * MIB },
    total: { count: 400_000, bytes: 1023.9 * 1024 * MIB },
    rate: 1023.9 * MIB,
    left: 359_999,
  }
  const widths = Array.from({ length: 236 }, (_, index) => index + 5)
  t.same(
    widths.filter(columns => barLine(pace, 'SSTables', columns).length > columns - 3),
    [],
  )
  t.match(
    barLine(pace, 'SSTables', 120),
    /^\[#*\.{8,}\] +0% {2} +1023\/400000 SSTables {2} +1\.0\/1023\.9 GiB /,
  )
  t.match(barLine(pace, 'SSTables', 80), /^\[\.+\] +0% {2}.* {2}\d+:\d\d:\d\d left$/)
  const usual = {
    done: { count: 120, bytes: MIB },
    total: { count: 400, bytes: 4 * MIB },
    rate: MIB,
    left: 3,
  }
  t.equal(
    barLine(usual, 'SSTables', 80),
    '[###...........]  25%  120/400 SSTables  1.0/4.0 MiB    1.0 MiB/s   0:03 left',
  )
  t.equal(barLine({ ...usual, total: { count: 0, bytes: 0 } }, 'SSTables', 80), '')
  t.end()
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
  bar.begin({ verb: 'Restored', things: 'files' }, { count: 4, bytes: 8 * MIB })
  bar.update({ count: 1, bytes: 2 * MIB })
  bar.write('between\n')
  t.match(
    terminal.text,
    /between\n[^\n]*\[#{10}\.{30}\] {2}25% {2}1\/4 files {2}2\.0\/8\.0 MiB {2,}\S+ .?.?B\/s {2,}\d+:\d\d left[^\n]*$/,
  )
  bar.update({ count: 4, bytes: 9 * MIB })
  bar.write('last\n')
  t.match(
    terminal.text,
    /last\n[^\n]*#{40}\] 100% {2}4\/4 files {2}8\.0\/8\.0 MiB[^\n]*$/,
    'never more than all',
  )
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
    begin: (_, all) => (total = all),
    update: done => told.push(done),
    end: () => ended++,
  }
  const large = Buffer.alloc(20 * MIB, 'large')
  await world.put(`node1:${TABLE}/nb-1-big-Data.db`, large)
  await world.put(`node1:${TABLE}/nb-1-big-Index.db`, 'small')
  t.match(await world.restore({ follower }), { exitCode: 0, files: 2 })
  t.same(total, { count: 2, bytes: large.length + 5 })
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
