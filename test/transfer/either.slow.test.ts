import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import t from 'tap'

import { underEither } from '../../src/transfer/upload/either.js'

await t.test('the signal aborts with the first of the two, and gives its reason', async t => {
  for (const index of [0, 1]) {
    const controllers = [new AbortController(), new AbortController()] as const
    const reason = new Error(`number ${index}`)
    const run = underEither(controllers[0].signal, controllers[1].signal, async signal => {
      t.equal(signal.aborted, false)
      controllers[index]?.abort(reason)
      await Promise.resolve()
      signal.throwIfAborted()
    })
    await t.rejects(run, reason)
  }
  await underEither(AbortSignal.abort('before'), new AbortController().signal, signal => {
    t.equal(signal.reason, 'before')
    return Promise.resolve()
  })
})

await t.test('a signal that lives long keeps nothing of the calls that ended', async t => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const long = new AbortController().signal
  const calls = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) {
      await underEither(long, new AbortController().signal, () => Promise.resolve())
      if (i % 1000 === 0) await new Promise(setImmediate)
    }
    for (let i = 0; i < 3; i++) {
      await new Promise(resolve => setTimeout(resolve, 20))
      collect()
    }
    return process.memoryUsage().heapUsed
  }
  const before = await calls(5_000)
  const bytes = ((await calls(50_000)) - before) / 50_000
  t.ok(bytes < 20, `${bytes.toFixed(1)} bytes a call stay`)
})
