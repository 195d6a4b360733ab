import { readdirSync } from 'node:fs'

import t from 'tap'

import { BenchRun, median } from './support.js'

const bench = new BenchRun(t.testdir())

await t.test('upload: slope, start-up, bounds; nothing is left', async t => {
  const { stdout, results, work } = await bench.run(['upload', '--size', '16MiB'])
  t.same(
    results.map(({ scenario }) => scenario),
    ['upload', 'upload: start-up'],
  )
  t.type(median(results[0], 'tablesnap', 'CPU'), 'number')
  t.equal(median(results[0], 'floor', 'requests'), 1)
  // 64 MiB in parts of 8, TOC.txt, the beginning and the end of the upload, and what is looked up before.
  t.ok((median(results[0], 'tablesnap', 'requests') ?? 0) >= 11)
  t.ok((median(results[1], 'tablesnap', 'CPU') ?? 0) > 0.05)
  t.match(stdout, '| tablesnap / floor |')
  t.match(stdout, 'not checked against versitygw')
  t.same(readdirSync(work), [])
})

await t.test('restore', async t => {
  const { results } = await bench.run(['restore', '--size', '16MiB'])
  t.ok((median(results[0], 'tablesnap', 'wall') ?? 0) > 0)
  t.ok((median(results[0], 'floor', 'wall') ?? 0) > 0)
})
