import { Inotify } from 'inotify'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import t from 'tap'
import { folder, inotifyDescriptors, startThread, until } from './support.js'

function start(
  task: string,
  path: string,
): { worker: Worker; messages: unknown[]; ended: Promise<unknown[]> } {
  const worker = startThread({ task, path })
  const messages: unknown[] = []
  worker.on('message', message => messages.push(message))
  return { worker, messages, ended: once(worker, 'exit') }
}

await t.test('several instances in a thread; it ends when they are closed', async t => {
  const path = folder(t)
  const before = inotifyDescriptors()
  const { messages, ended } = start('watch', path)
  await until(() => messages.includes('ready'))
  writeFileSync(join(path, 'a'), '')
  t.strictSame(await ended, [0])
  t.strictSame(messages.slice(1).sort(), ['0 a', '1 a', '2 a'])
  t.equal(inotifyDescriptors(), before)
})

await t.test('instances that are not referenced let their thread end, and are closed with it', async t => {
  const before = inotifyDescriptors()
  const { ended } = start('idle', folder(t))
  t.strictSame(await ended, [0])
  t.equal(inotifyDescriptors(), before)
})

await t.test('process.exit within a callback', async t => {
  const before = inotifyDescriptors()
  const { ended } = start('exit', folder(t))
  t.strictSame(await ended, [3])
  t.equal(inotifyDescriptors(), before)
})

await t.test(
  'terminated amid events, again and again: nothing is left open, the other threads go on',
  async t => {
    const path = folder(t)
    const inotify = new Inotify()
    t.teardown(() => inotify.close())
    let seen = 0
    inotify.addWatch({ path, callback: () => seen++ })
    const before = inotifyDescriptors()
    for (let round = 0; round < 3; round++) {
      const threads = [0, 1, 2].map(() => start('busy', folder(t)))
      await until(() => threads.every(({ messages }) => messages.length > 0))
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    }
    t.equal(inotifyDescriptors(), before)
    writeFileSync(join(path, 'a'), '')
    await until(() => seen > 0)
  },
)

await t.test('the first to load the package may be a thread, and the last', t => {
  const script = `
    import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(new URL('${new URL('./worker.js', import.meta.url).href}'),
        { execArgv: [], workerData: { task: 'busy', path: process.argv[1] } })
      await once(worker, 'message')
      await worker.terminate()
    }
    console.log('well')`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, folder(t)], {
    timeout: 20_000,
  })
  t.equal(output.toString(), 'well\n')
  t.end()
})

await t.test('a process that ends with open instances ends well', t => {
  const script = `
    import { Inotify } from '${import.meta.resolve('inotify')}'
    import { writeFileSync } from 'node:fs'
    const path = process.argv[1]
    for (let i = 0; i < 5; i++) new Inotify().addWatch({ path, callback: () => process.exit(4) })
    writeFileSync(path + '/a', '')`
  try {
    execFileSync(process.execPath, ['--input-type=module', '-e', script, folder(t)], { timeout: 20_000 })
    t.fail('exit code 0')
  } catch (error) {
    t.match(error, { status: 4, signal: null })
  }
  t.end()
})

await t.test('what callbacks throw is uncaught, one by one, and stops no later event', async t => {
  const { messages, ended } = start('faulty', folder(t))
  t.strictSame(await ended, [0])
  const { errors, seen } = messages[0] as { errors: string[]; seen: string[] }
  t.strictSame(errors, seen)
  for (const name of ['a', 'b', 'c']) {
    t.ok(seen.includes(`batch ${name}`))
    t.ok(seen.includes(`inotify ${name}`))
  }
  t.ok(seen.includes('end'))
})
