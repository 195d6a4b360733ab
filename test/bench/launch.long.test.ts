import t from 'tap'

import { BenchFailure } from '../../bench/failure.js'
import { MIB } from '../../bench/figure.js'
import { launch } from '../../bench/launch.js'

process.env['TABLESNAP_BENCH_CACHE'] = t.testdir()

const node = (script: string) => ({ argv: [process.execPath, '-e', script], env: {} })
const BUSY = 'const end = process.cpuUsage(); while (process.cpuUsage(end).user < 300000);'

await t.test('CPU of all threads and waited-for children, and peak memory, are counted', async t => {
  const folder = t.testdir()
  const idle = await launch(node(''), folder)
  const script = `new (require('worker_threads').Worker)(${JSON.stringify(BUSY)}, { eval: true })
    require('child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(BUSY)}])
    Buffer.alloc(200 * 2 ** 20, 1)`
  const busy = await launch(node(script), folder)
  t.ok(busy.user - idle.user > 0.5, `${busy.user} s`)
  t.ok(busy.rss > 200 * MIB && idle.rss < 150 * MIB, `${idle.rss} and ${busy.rss}`)
  t.ok(busy.wall >= idle.wall)
})

await t.test('a client that fails is no measurement', async t => {
  await t.rejects(launch(node('console.error("why"); process.exit(3)'), t.testdir()), {
    name: 'BenchFailure',
    message: /exit code 3 of .*why/s,
  })
  await t.rejects(launch({ argv: ['/no/such/program'], env: {} }, t.testdir()), BenchFailure)
})

await t.test('a client that does not end by itself is ended once its work is done', async t => {
  let looks = 0
  const usage = await launch(node('setInterval(() => {}, 1000)'), t.testdir(), async () => ++looks > 3)
  t.ok(usage.wall < 30)
})
