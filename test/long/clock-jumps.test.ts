import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Random } from '../state/random.js'
import { BucketStates } from '../support/bucket-states.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { Table } from '../support/table.js'

const SEED = Number(process.env['SEED'] ?? 1)
const JUMPS = Number(process.env['JUMPS'] ?? 50)

const HOUR = 3_600_000

/** The SSTables that a table had at a real moment, ms since 1970. */
interface Moment {
  readonly time: number
  readonly table: string
  readonly sstables: readonly string[]
}

/**
 * A day of flushes in a few minutes: the time of day of the daemon's machine jumps before each flush, by up to two hours, and is
 * set right soon after it: until then the server refuses every request (RequestTimeTooSkewed). The daemon is started again now
 * and then. The server's clock, by which --at asks, stays right.
 */
await t.test(`${JUMPS} clock jumps of up to two hours, SEED=${SEED}`, async t => {
  const node = await TestNode.create(t)
  const random = new Random(SEED)
  const states = new BucketStates(node)
  const file = join(node.bucket.directory, 'wrong by')
  const jump = () => writeFileSync(file, String(random.below(4 * HOUR) - 2 * HOUR))
  const setRight = () => writeFileSync(file, '0')
  const shim = new URL('../support/wrong-clock.js', import.meta.url).href
  const env = { WRONG_CLOCK: file }
  const start = async (): Promise<Cli> => {
    const options = { env, nodeOptions: `--import=${shim}` }
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
