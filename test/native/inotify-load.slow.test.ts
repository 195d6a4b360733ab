import { Inotify, InotifyBatch, constants, type InotifyEvent } from 'inotify'
import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { folder, inotifyDescriptors, startThread, sysctl, until } from './support.js'

const { IN_CREATE, IN_IGNORED, IN_MOVED_TO, IN_Q_OVERFLOW } = constants

const QUEUE = sysctl('fs.inotify.max_queued_events')
const queueTooLong = QUEUE > 200_000 && `the kernel queues ${QUEUE} events`

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function allCollected(references: WeakRef<object>[]): boolean {
  collectGarbage()
  return references.every(reference => reference.deref() === undefined)
}

await t.test(
  'overflow: all that was queued, then one event without a watch, then news again',
  { skip: queueTooLong },
  async t => {
    const path = folder(t, true)
    for (const name of ['one', 'two', 'gone']) mkdirSync(join(path, name))
    const batchNames: string[] = []
    const overflows: number[][] = []
    const batch = new InotifyBatch({
      event(watch, mask, cookie, name) {
        if (watch === -1) overflows.push([watch, mask, cookie])
        else batchNames.push(name!)
      },
    })
    const inotify = new Inotify()
    t.teardown(() => {
      batch.close()
      inotify.close()
    })
    const single: InotifyEvent[] = []
    const shared: InotifyEvent[] = []
    const gone: InotifyEvent[] = []
    batch.add(path, IN_MOVED_TO)
    const top = inotify.addWatch({ path, watch_for: IN_MOVED_TO, callback: event => single.push(event) })
    const both = (event: InotifyEvent) => shared.push(event)
    for (const name of ['one', 'two']) inotify.addWatch({ path: join(path, name), callback: both })
    const doomed = inotify.addWatch({
      path: join(path, 'gone'),
      watch_for: IN_CREATE,
      callback: event => gone.push(event),
    })

    // the loop is blocked for as long as this runs: nothing is read from the queues
    const names = Array.from({ length: QUEUE + 1000 }, (_, i) => `n${i}`)
    writeFileSync(join(path, 'n'), '')
    for (const [i, name] of names.entries())
      renameSync(join(path, i === 0 ? 'n' : names[i - 1]!), join(path, name))
    rmSync(join(path, 'gone'), { recursive: true })

    await until(() => overflows.length > 0 && gone.length === 2)
    t.strictSame(batchNames, names.slice(0, QUEUE))
    t.strictSame(overflows, [[-1, IN_Q_OVERFLOW, 0]])
    const overflow = { watch: -1, mask: IN_Q_OVERFLOW, cookie: 0 }
    t.strictSame(
      single.map(event => event.name ?? event),
      [...names.slice(0, QUEUE), overflow],
    )
    t.strictSame(shared, [overflow], 'once for a callback that serves two watches')
    t.strictSame(
      gone,
      [overflow, { watch: doomed, mask: IN_IGNORED, cookie: 0 }],
      'the lost IN_IGNORED is made up for',
    )

    renameSync(join(path, names.at(-1)!), join(path, 'after'))
    await until(() => single.length === QUEUE + 2 && batchNames.length === QUEUE + 1)
    t.match(single.at(-1), { watch: top, name: 'after' })
    t.equal(batchNames.at(-1), 'after')
  },
)

await t.test('200,000 renames as fast as another thread makes them', async t => {
  const path = folder(t, true)
  const files = 2000
  const renames = 200_000
  const progress = new Int32Array(new SharedArrayBuffer(8))
  let seen = 0
  let wrong = 0
  const batch = new InotifyBatch({
    event(watch, _mask, _cookie, name) {
      if (watch === -1 || name !== `${seen % (2 * files) < files ? 'b' : 'a'}${seen % files}`) wrong++
      seen++
    },
    end: () => Atomics.store(progress, 0, seen),
  })
  t.teardown(() => batch.close())
  for (let i = 0; i < files; i++) writeFileSync(join(path, `a${i}`), '')
  batch.add(path, IN_MOVED_TO)
  const producer = startThread({ task: 'rename', path, files, renames, ahead: QUEUE - 1, progress })
  await until(() => seen >= renames, 60_000)
  await producer.terminate()
  t.equal(seen, renames)
  t.equal(wrong, 0, 'each in its turn, under its name')
  t.comment(`the producer waited ${Atomics.load(progress, 1)} times for room in the queue`)
})

await t.test('10,000 directories', async t => {
  const path = folder(t, true)
  const count = Math.min(10_000, sysctl('fs.inotify.max_user_watches') - 100)
  if (count < 10_000) t.comment(`only ${count}: fs.inotify.max_user_watches`)
  const directories = Array.from({ length: count }, (_, i) => join(path, `d${i}`))
  const names = new Map<number, string>()
  const seen: string[] = []
  const batch = new InotifyBatch({
    event: (watch, _mask, _cookie, name) => seen.push(`${names.get(watch) ?? watch}/${name ?? ''}`),
  })
  t.teardown(() => batch.close())
  for (const directory of directories) {
    mkdirSync(directory)
    names.set(batch.add(directory, IN_CREATE), directory)
  }
  t.equal(names.size, count)
  for (const directory of directories) writeFileSync(join(directory, 'f'), '')
  await until(() => seen.length >= count)
  t.equal(
    directories.findIndex((directory, i) => seen[i] !== `${directory}/f`),
    -1,
  )
})

await t.test('10,000 times open and close, in four threads: no descriptor is kept', async t => {
  const path = folder(t)
  const before = inotifyDescriptors()
  const workers = [0, 1, 2, 3].map(() => startThread({ task: 'cycle', path }))
  await Promise.all(workers.map(worker => once(worker, 'message')))
  t.equal(inotifyDescriptors(), before, 'while the threads still live')
  for (const worker of workers) worker.postMessage('end')
  await Promise.all(workers.map(worker => once(worker, 'exit')))
})

await t.test('close lets the callbacks go', async t => {
  const path = folder(t)
  const openAndClose = () => {
    const inotify = new Inotify()
    const callback = () => undefined
    inotify.addWatch({ path, callback })
    inotify.close()
    return [new WeakRef(callback), new WeakRef(inotify)]
  }
  const kept = Array.from({ length: 20 }, openAndClose).flat()
  await until(() => allCollected(kept))
})

await t.test('IN_IGNORED lets the callback go while the instance lives', async t => {
  const path = folder(t)
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  let ignored = 0
  const addAndEnd = (_: unknown, i: number) => {
    const directory = join(path, `d${i}`)
    mkdirSync(directory)
    const callback = (event: InotifyEvent) => {
      if (event.mask === IN_IGNORED) ignored++
    }
    const watch = inotify.addWatch({ path: directory, callback })
    if (i % 2 === 0) inotify.removeWatch(watch)
    else rmSync(directory, { recursive: true })
    return new WeakRef(callback)
  }
  const kept = Array.from({ length: 100 }, addAndEnd)
  await until(() => ignored === 100)
  await until(() => allCollected(kept))
})

await t.test('an open instance is kept, referenced or not', async t => {
  const path = folder(t)
  let seen = 0
  const open = () => {
    const inotify = new Inotify(false)
    const watch = inotify.addWatch({
      path,
      watch_for: IN_CREATE,
      callback() {
        seen++
        this.close()
      },
    })
    return watch
  }
  t.equal(open(), 1)
  for (let i = 0; i < 5; i++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  writeFileSync(join(path, 'a'), '')
  await until(() => seen === 1)
})
