import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { Listings } from '../support/listings.js'
import { TestNode, gate } from '../support/node.js'
import { TxnLog, type Table } from '../support/table.js'

/** What a set holds, as the flushes whose rows are in it. */
type Coverage = ReadonlyMap<number, readonly number[]>

/** Which sets came of which; generation by generation. */
interface History {
  readonly coverage: Map<number, readonly number[]>
  /** Inputs of every compaction, by its output. */
  readonly inputs: Map<number, readonly number[]>
  /** What lies there. */
  readonly live: number[]
}

/** How often the busy table comes to rest, and its flushes in between. */
const ROUNDS = 3
const FLUSHES = 15

/** The settle time of a test's daemon, ms. */
const SETTLE = 100

await t.test('while a compaction replaces sets, a listing names the old ones or the new one', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t')
  await node.watch(t)
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big']) table.flush(set)
  await node.listed(table.path, table.names())
  const old = table.names()

  const txn = new TxnLog(table.path, 'compaction').add('nb-4-big')
  table.write('nb-4-big')
  const hold = gate()
  node.bucket.server.faults.add({ key: /nb-4-big-Data/, fault: faults.delay(hold.opened) })
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big']) txn.remove(set)
  txn.commit()
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big']) table.delete(set)
  txn.end()
  table.flush('nb-5-big')
  await node.arrived(table.paths('nb-5-big').map(path => node.key(path)))
  t.same((await node.listing(table.path))?.names, old, 'not before the output is durable')
  hold.open()
  await node.listed(table.path, table.names())
})

await t.test(
  'without a transaction log the inputs go one by one, and no listing names half of them',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table('ks/t')
    await node.watch(t)
    const listings = new Listings(node, table.path)
    for (const generation of [1, 2, 3]) table.set(`ks-t-jb-${generation}`)
    await node.listed(table.path, table.names())
    table.set('ks-t-jb-4')
    await node.arrived(table.paths('ks-t-jb-4').map(path => node.key(path)))
    // A listing is due 1.1 s after the last one at the earliest: it must not come in the midst of this.
    table.set('ks-t-jb-5')
    await sleep(800)
    const began = performance.now()
    for (const generation of [1, 2, 3]) {
      if (generation > 1) await sleep(20)
      table.delete(`ks-t-jb-${generation}`)
    }
    const took = performance.now() - began
    table.set('ks-t-jb-6')
    await node.listed(table.path, table.names())
    for (const names of await listings.end()) {
      const olds = [1, 2, 3].filter(generation => names.includes(`ks-t-jb-${generation}-Data.db`))
      if (took < SETTLE) t.ok(olds.length === 0 || olds.length === 3, JSON.stringify(names))
      // On a busy machine an input may stay so long that a listing with half of them is right: the output is there, too.
      else t.ok(olds.length === 3 || names.includes('ks-t-jb-4-Data.db'), JSON.stringify(names))
    }
  },
)

await t.test('flushes and compactions without end: every listing is a moment of the table', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t')
  const daemon = await node.watch(t)
  node.bucket.server.faults.add({ on: 'PutObject', count: Infinity, fault: faults.delay(3) })
  const history: History = { coverage: new Map(), inputs: new Map(), live: [] }
  const wrong: string[] = []
  const listings = new Listings(node, table.path, async names => {
    const problem = await judge(node, table, names, history)
    if (problem !== undefined) wrong.push(problem)
  })
  // Stopped now and then, the daemon is behind what happens on the disk.
  const stops = setInterval(() => {
    daemon.kill('SIGSTOP')
    setTimeout(() => daemon.kill('SIGCONT'), 150)
  }, 350)
  for (let round = 1; round <= ROUNDS; round++) {
    await load(table, history)
    await node.listed(table.path, table.names())
  }
  clearInterval(stops)
  const { length } = await listings.end()
  t.same(wrong, [])
  t.ok(length > 0, `${length} listings`)
  t.notMatch(daemon.stderr, /ERROR/)
})

/** Flushes, and compacts some of what lies there, at the pace of a very busy table, {@link FLUSHES} times. */
async function load(table: Table, history: History): Promise<void> {
  const { live } = history
  let generation = Math.max(0, ...history.coverage.keys())
  for (let flush = 0; flush < FLUSHES; flush++) {
    const flushed = ++generation
    table.flush(`nb-${flushed}-big`, { bytes: 500 })
    history.coverage.set(flushed, [flushed])
    live.push(flushed)
    await sleep(Math.random() * 60)
    if (live.length >= 4 && Math.random() < 0.5) {
      const inputs = live.splice(Math.floor(Math.random() * (live.length - 2)), 3)
      const output = ++generation
      history.coverage.set(
        output,
        inputs.flatMap(input => [...(history.coverage.get(input) ?? [])]),
      )
      history.inputs.set(output, inputs)
      const txn = new TxnLog(table.path, 'compaction').add(`nb-${output}-big`)
      await sleep(Math.random() * 30)
      table.write(`nb-${output}-big`, { bytes: 1_500 })
      for (const input of inputs) txn.remove(`nb-${input}-big`)
      txn.commit()
      await sleep(Math.random() * 50)
      for (const input of inputs) {
        table.delete(`nb-${input}-big`)
        await sleep(Math.random() * 5)
      }
      txn.end()
      live.push(output)
    }
  }
}

/** What is wrong with a listing. */
async function judge(
  node: TestNode,
  table: Table,
  names: readonly string[],
  { coverage, inputs }: History,
): Promise<string | undefined> {
  const generations = new Set(names.map(name => Number(/^nb-(\d+)-big-/.exec(name)?.[1])))
  for (const generation of generations) {
    const count = names.filter(name => name.startsWith(`nb-${generation}-`)).length
    if (count !== 8) return `nb-${generation} has ${count} files`
  }
  for (const name of names) {
    const body = await node.body(node.key(join(table.path, name))).catch(() => undefined)
    if (body?.equals(table.contents.get(name) ?? Buffer.of()) !== true) return `${name} is not in the bucket`
  }
  const rows = rowsOf(generations, coverage)
  const last = Math.max(...rows)
  for (const flushed of coverage.keys()) {
    if (!inputs.has(flushed) && flushed < last && !rows.has(flushed))
      return `flush ${flushed} is missing before ${last}`
  }
  for (const [output, gone] of inputs) {
    const left = gone.filter(input => generations.has(input)).length
    if (generations.has(output) && left > 0 && left < gone.length)
      return `half of the inputs of ${output} are named`
  }
  return undefined
}

function rowsOf(generations: Iterable<number>, coverage: Coverage): Set<number> {
  return new Set([...generations].flatMap(generation => [...(coverage.get(generation) ?? [])]))
}
