import t from 'tap'

import { History } from '../../src/manifest/history.js'
import type { Standing } from '../../src/manifest/lineage.js'

import { NamedSet } from './model.js'

/** CPU of this process, ms. */
function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function many(count: number, name: string): NamedSet[] {
  return Array.from({ length: count }, (_, index) => new NamedSet(`/data/ks/t-0a1b/nb-${name}${index}-big`))
}

const durable = (): Standing => 'durable'

await t.test('a unit of 10,000 sets that gains one a second costs almost nothing', async t => {
  const history = new History(undefined, { sets: many(10_000, 's'), time: 0, lost: false })
  history.accept(history.next(durable)!)
  const turns = 60
  const began = cpu()
  for (const [index, set] of many(turns, 'f').entries()) {
    history.commit({ adds: [set], removes: [], time: index * 1000 })
    const moment = history.next(durable)
    if (moment !== undefined) history.accept(moment)
    history.next(durable)
  }
  const each = (cpu() - began) / turns
  t.equal(history.live.size, 10_000 + turns)
  t.ok(each < 10, `${each.toFixed(2)} ms of CPU a second`)
})

/** ms of CPU for a backlog: every commit is told, asked for and looked for in vain, and then all are accepted. */
function backlog(count: number): number {
  const base = many(count, 's')
  const history = new History(undefined, { sets: base, time: 0, lost: false })
  history.accept(history.next(durable)!)
  const outputs = many(count, 'o')
  const others = many(50, 'x')
  let there = false
  const standing = (set: NamedSet): Standing => (there || !set.path.includes('-o') ? 'durable' : 'owed')
  const began = cpu()
  for (const [index, output] of outputs.entries()) {
    history.commit({ adds: [output], removes: [base[index]!], time: index })
    for (const set of others) history.wants(set)
    if (index % 1000 === 999) history.next(standing)
  }
  for (const set of [...base, ...outputs]) history.wants(set)
  there = true
  history.accept(history.next(standing)!)
  return cpu() - began
}

await t.test('a backlog of commits costs what it holds, not its square', async t => {
  const spent = backlog(8000)
  t.comment(`8,000 commits: ${spent.toFixed(0)} ms`)
  t.ok(spent < 2000, `${spent.toFixed(0)} ms`)
})

await t.test('one commit of many sets', async t => {
  const base = many(60_000, 's')
  const outputs = many(60_000, 'o')
  const history = new History(undefined, { sets: base, time: 0, lost: false })
  const began = cpu()
  history.commit({ adds: outputs, removes: base, time: 1 })
  t.ok(history.next(durable)?.sets.size === 60_000)
  const spent = cpu() - began
  t.ok(spent < 2000, `${spent.toFixed(0)} ms`)
})
