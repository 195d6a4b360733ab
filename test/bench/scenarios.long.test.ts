import t from 'tap'

import { BenchRun, median } from './support.js'

const bench = new BenchRun(t.testdir())

await t.test('small and restart', async t => {
  const { results } = await bench.run(['small', '--count', '16'])
  t.ok((median(results[0], 'tablesnap', 'requests') ?? 0) >= 128)
  const again = await bench.run(['restart', '--count', '80'])
  t.equal(median(again.results[0], 'tablesnap', 'sent again'), 0)
})

await t.test('events and latency', async t => {
  const { results } = await bench.run(['events', '--count', '10000'])
  t.equal(results[0]?.rows.length, 2)
  t.equal(results[0]?.verdicts.length, 1)
  const { results: times } = await bench.run(['latency', '--count', '3'])
  t.ok((median(times[0], 'tablesnap', 'median') ?? 0) > 0)
})

await t.test('page-cache', async t => {
  const { results } = await bench.run(['page-cache', '--size', '16MiB'])
  t.equal(results[0]?.verdicts.length, 2)
})
