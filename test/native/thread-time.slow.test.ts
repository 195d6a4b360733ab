import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { threadCpuTime } from 'tablesnap-io'

/** Keeps the processor busy until this thread has used so much of it, ms. */
function burn(milliseconds: number): void {
  const start = threadCpuTime()
  while (threadCpuTime() - start < milliseconds);
}

await t.test('a thread that sleeps uses no CPU time, one that computes does', async t => {
  const start = threadCpuTime()
  await sleep(300)
  const slept = threadCpuTime() - start
  t.ok(slept < 150, `${slept} ms while it slept`)
  const before = process.cpuUsage()
  const from = threadCpuTime()
  burn(100)
  const { user, system } = process.cpuUsage(before)
  const used = threadCpuTime() - from
  t.ok(used >= 100)
  // getrusage counts all threads of the process, so never less
  t.ok((user + system) / 1000 > 0.8 * used, `${user + system} µs of the process, ${used} ms of the thread`)
})

await t.test('the time of one thread holds nothing of another', async t => {
  const start = threadCpuTime()
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
    import('tablesnap-io').then(({ threadCpuTime }) => {
      while (threadCpuTime() < 500);
      parentPort.postMessage(threadCpuTime())
    })`,
    { eval: true, execArgv: [] },
  )
  const used = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
  })
  await worker.terminate()
  const own = threadCpuTime() - start
  t.ok(used >= 500)
  t.ok(own < 250, `${own} ms here, ${used} ms there`)
})
