/** The other thread of the tests in this folder; `workerData.task` says what it is to do. */
import { Inotify, InotifyBatch, constants } from 'inotify'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'

const { IN_CREATE } = constants
const port = parentPort!

interface RenameOrder {
  path: string
  files: number
  renames: number
  /** how many events may lie in the queue: more would be lost in any program */
  ahead: number
  /** [0] events seen by the reader, [1] how often the queue was found full */
  progress: Int32Array
}

/** Gives a0 … the names b0 … in turn, then back, and so on. */
function rename({ path, files, renames, ahead, progress }: RenameOrder): void {
  const a = Array.from({ length: files }, (_, i) => join(path, `a${i}`))
  const b = Array.from({ length: files }, (_, i) => join(path, `b${i}`))
  for (let i = 0; i < renames; i++) {
    if (i - Atomics.load(progress, 0) >= ahead) {
      Atomics.add(progress, 1, 1)
      while (i - Atomics.load(progress, 0) >= ahead);
    }
    const [from, to] = i % (2 * files) < files ? [a, b] : [b, a]
    renameSync(from[i % files]!, to[i % files]!)
  }
}

/** Opens and closes, at times with a watch, and stays. */
async function cycle(path: string): Promise<void> {
  port.on('message', () => port.close())
  for (let i = 0; i < 2500; i++) {
    const inotify = new Inotify()
    // the kernel takes milliseconds to close a descriptor that has one
    if (i % 100 === 0) inotify.addWatch({ path, callback: () => undefined })
    inotify.close()
    if (i % 100 === 0) await new Promise(setImmediate)
  }
  port.postMessage('ready')
}

/** Reports the names that three instances see, and ends by itself when each has seen one. */
function watch(path: string): void {
  let open = 3
  for (let i = 0; i < 3; i++) {
    const inotify = new Inotify()
    inotify.addWatch({
      path,
      watch_for: IN_CREATE,
      callback(event) {
        port.postMessage(`${i} ${event.name!}`)
        this.close()
        if (--open === 0) port.close()
      },
    })
  }
  port.postMessage('ready')
}

/** Never stops: every batch of events makes the next one. Open in every kind of instance when it is terminated. */
function busy(path: string): void {
  let counter = 0
  let told = false
  const next = () => writeFileSync(join(path, `f${counter++ % 100}`), '')
  const idle = new InotifyBatch({ event: () => undefined }, { persistent: false })
  idle.add(path, constants.IN_DELETE_SELF)
  const batch = new InotifyBatch({
    event: () => undefined,
    end() {
      next()
      if (counter < 100 || told) return
      told = true
      port.postMessage('ready')
    },
  })
  batch.add(path, constants.IN_CLOSE_WRITE)
  const inotify = new Inotify()
  inotify.addWatch({ path, watch_for: constants.IN_MODIFY | constants.IN_OPEN, callback: () => counter++ })
  next()
}

/** Opens what does not keep the thread alive. */
function idle(path: string): void {
  new Inotify(false).addWatch({ path, callback: () => undefined })
  new InotifyBatch({ event: () => undefined }, { persistent: false }).add(path, IN_CREATE)
  const batch = new InotifyBatch({ event: () => undefined })
  batch.unref()
  batch.ref()
  batch.unref()
}

/** Ends the thread from within a callback. */
function exit(path: string): void {
  new Inotify().addWatch({ path, callback: () => process.exit(3) })
  writeFileSync(join(path, 'a'), '')
}

/** Callbacks that throw at every event, of both kinds; reports what reaches the thread and which events came. */
function faulty(path: string): void {
  const errors: unknown[] = []
  const seen: string[] = []
  const fail = (what: string) => {
    seen.push(what)
    throw new Error(what)
  }
  let isFirst = true
  process.on('uncaughtException', error => {
    errors.push(error.message)
    if (error.message === 'end' && isFirst) {
      isFirst = false
      writeFileSync(join(path, 'd'), '')
    }
    // Four names in each kind of instance, and the ends of two batches at least.
    if (errors.length < 10) return
    batch.close()
    inotify.close()
    port.postMessage({ errors: errors.sort(), seen: seen.sort() })
    port.close()
  })
  const batch = new InotifyBatch({
    event: (_watch, _mask, _cookie, name) => fail(`batch ${name!}`),
    end: () => fail('end'),
  })
  batch.add(path, IN_CREATE)
  const inotify = new Inotify()
  inotify.addWatch({ path, watch_for: IN_CREATE, callback: event => fail(`inotify ${event.name!}`) })
  for (const name of ['a', 'b', 'c']) writeFileSync(join(path, name), '')
}

/** A handler that throws at every event that poll() delivers. */
function faultyPoll(path: string): void {
  const errors: string[] = []
  process.on('uncaughtException', error => errors.push(error.message))
  const batch = new InotifyBatch({
    event: (_watch, _mask, _cookie, name) => {
      throw new Error(name)
    },
  })
  batch.add(path, IN_CREATE)
  const answers = ['a', 'b'].map(name => {
    writeFileSync(join(path, name), '')
    return batch.poll()
  })
  setTimeout(() => {
    batch.close()
    port.postMessage({ answers, errors })
  }, 50)
}

const { task, path } = workerData as { task: string; path: string }
switch (task) {
  case 'rename':
    rename(workerData as RenameOrder)
    break
  case 'cycle':
    await cycle(path)
    break
  case 'watch':
    watch(path)
    break
  case 'busy':
    busy(path)
    break
  case 'idle':
    idle(path)
    break
  case 'exit':
    exit(path)
    break
  case 'faultyPoll':
    faultyPoll(path)
    break
  case 'faulty':
    faulty(path)
    break
}
