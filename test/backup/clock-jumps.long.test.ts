import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Random } from '../manifest/random.js'
import { BucketStates } from '../support/bucket-states.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { Table } from '../support/table.js'

const SEED = Number(process.env['SEED'] ?? 1)
const JUMPS = Number(process.env['JUMPS'] ?? 50)

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Flushes of the day that is simulated. */
const FLUSHES = Number(process.env['FLUSHES'] ?? 144)

/** Tables of that day, which are flushed in turn. */
const TABLES = 12

/** Loaded into a process before its own code, it makes its time of day wrong. */
const SHIM = `--import=${new URL('../support/wrong-clock.js', import.meta.url).href}`

/** The SSTables that a table had at a real moment, ms since 1970. */
interface Moment {
  readonly time: number
  readonly table: string
  readonly sstables: readonly string[]
}

/**
 * A day of flushes in a few minutes: the time of day of the daemon's machine jumps before each flush, by up to two hours, and is
 * set right soon after it. The server refuses what is signed with a wrong time (RequestTimeTooSkewed), so the daemon has to sign with the
 * server's time. The daemon is started again now and then. The server's clock, by which --at asks, stays right.
 */
await t.test(`${JUMPS} clock jumps of up to two hours, SEED=${SEED}`, async t => {
  const node = await TestNode.create(t)
  const random = new Random(SEED)
  const states = new BucketStates(node)
  const file = join(node.bucket.directory, 'wrong by')
  const jump = () => writeFileSync(file, String(random.below(4 * HOUR) - 2 * HOUR))
  const setRight = () => writeFileSync(file, '0')
  const env = { WRONG_CLOCK: file }
  const start = async (): Promise<Cli> => {
    const options = { env, nodeOptions: SHIM }
    const daemon = new Cli(node.args(['-r', '-a', '-B', '--watch']), options)
    await daemon.seen(/Watching \d+ director/)
    return daemon
  }
  const tables = ['0a', '0b', '0c', '0d'].map(id => node.table(`ks/t${id}-${id.repeat(16)}`))
  const moments: Moment[] = []
  setRight()
  let daemon = await start()
  t.teardown(() => daemon.kill('SIGKILL'))
  for (let n = 1; n <= JUMPS; n++) {
    jump()
    const table = tables[n % tables.length]!
    const unit = `ks/${basename(table.path)}`
    const sstable = `nb-${n}-big`
    table.flush(sstable)
    await sleep(random.below(1_500))
    setRight()
    await until(async () => (await states.newest(unit))?.sets.has(join(table.path, sstable)) === true)
    if (random.chance(0.1)) {
      daemon.kill('SIGTERM')
      t.equal(await daemon.exit, 143)
      daemon = await start()
    }
    // A Date has whole seconds.
    await sleep(1_100)
    const names = table.names().filter(name => name.endsWith('-Data.db'))
    moments.push({ time: Date.now(), table: table.path, sstables: names.sort() })
    await sleep(1_100)
  }
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
  const all = await states.all()
  t.same(
    all.filter(({ time }) => time > Date.now()).map(({ unit, time }) => [unit, new Date(time)]),
    [],
    'no restore point is of the future',
  )
  for (const { time, table, sstables } of moments) {
    const target = join(node.bucket.directory, `at ${time}`)
    const at = ['-D', '--at', new Date(time).toISOString(), '--table', `ks.${basename(table).split('-')[0]}`]
    const cli = new Cli([...node.bucket.flags, ...at, '--no-progress', node.bucket.bucket, target])
    t.equal(await cli.exit, 0, cli.stderr)
    const restored = new Table(join(target, table)).names().filter(name => name.endsWith('-Data.db'))
    t.same(restored.sort(), sstables, new Date(time).toISOString())
  }
})

/**
 * A whole day by the server's clock: a flush every ten minutes or so, and -B after it. After 50 of the flushes the time of day of the
 * node jumps, before -B or within it, and is set right for the next -B. No run fails for it: where the server does not bear the jump (more than
 * 15 minutes), tablesnap signs with the server's time.
 */
await t.test(`a day of ${FLUSHES} flushes with ${JUMPS} clock jumps, SEED=${SEED}`, async t => {
  const begin = Date.now() - DAY
  /** How far the day is ahead of the time that the test has taken, ms. */
  let ahead = 0
  const began = performance.now()
  const now = (): number => begin + ahead + performance.now() - began
  const node = await TestNode.create(t, { now })
  const random = new Random(SEED)
  const file = join(node.bucket.directory, 'wrong by')
  const setClock = (skew: number) => writeFileSync(file, String(now() - Date.now() + skew))
  const run = async (args: readonly string[]): Promise<Cli> => {
    const cli = new Cli(args, { env: { WRONG_CLOCK: file }, nodeOptions: SHIM })
    await cli.exit
    return cli
  }
  const tables = Array.from({ length: TABLES }, (_, n) => {
    const id = n.toString(16).padStart(2, '0')
    return node.table(`ks/t${id}-${id.repeat(16)}`)
  })
  const moments: Moment[] = []
  const jumps = new Set(
    random
      .some(
        Array.from({ length: FLUSHES }, (_, n) => n + 1),
        JUMPS,
      )
      .slice(0, JUMPS),
  )
  let corrected = 0
  for (let n = 1; n <= FLUSHES; n++) {
    const table = tables[n % TABLES]!
    table.flush(`nb-${n}-big`)
    setClock(0)
    const jump = random.below(4 * HOUR) - 2 * HOUR
    const delay = random.chance(0.3) ? 0 : random.below(500)
    const timer = jumps.has(n) ? setTimeout(() => setClock(jump), delay) : undefined
    const first = await run(node.args(['-r', '-B', '-t', '1']))
    clearTimeout(timer)
    setClock(0)
    t.equal(await first.exit, 0, first.stderr)
    if (/RequestTimeTooSkewed/.test(first.stderr)) t.fail(`a request was refused for good: ${first.stderr}`)
    if (/clock is \d+ min/.test(first.stderr)) corrected++
    // A Date has whole seconds.
    ahead += 2_000
    const sstables = table.names().filter(name => name.endsWith('-Data.db'))
    moments.push({ time: Math.floor(now()), table: table.path, sstables })
    ahead += random.below((2 * DAY) / FLUSHES)
  }
  t.comment(`${jumps.size} jumps; ${corrected} runs signed with the server's time`)
  if (JUMPS >= 20) t.ok(corrected > 0, 'some jumps are beyond what the server bears')
  for (const { time, table, sstables } of moments) {
    const target = join(node.bucket.directory, `at ${time}`)
    setClock(0)
    const name = basename(table).split('-')[0]
    const at = [
      '-D',
      '--at',
      new Date(time).toISOString(),
      '--table',
      `ks.${name}`,
      '-t',
      '1',
      '--no-progress',
    ]
    const cli = await run([...node.bucket.flags, ...at, node.bucket.bucket, target])
    t.equal(await cli.exit, 0, cli.stderr)
    const restored = new Table(join(target, table)).names().filter(name => name.endsWith('-Data.db'))
    t.same(restored, sstables, new Date(time).toISOString())
  }
})
