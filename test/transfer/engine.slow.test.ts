import { closeSync, openSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'

import t, { type Test } from 'tap'

import { faults, type LocalS3 } from '../../dev/local-s3/index.js'
import type { BucketAccess } from '../../src/s3/access.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { S3Error } from '../../src/s3/errors.js'
import { Engine, type Budget } from '../../src/transfer/pool/engine.js'
import type { FileUpload } from '../../src/transfer/upload/upload-task.js'
import { CREDENTIALS, FAST, settingsOf } from '../s3/support.js'
import { testBucket } from '../support/bucket.js'

const MEBIBYTE = 1024 * 1024

/** Of the engine of a test, beside its address. */
type More = Partial<Budget & Pick<BucketAccess, 'credentials'>>

/** Threads that were started, so that a test can end them. */
const workers: Worker[] = []
process.on('worker', worker => workers.push(worker))

function engineOf(t: Test, endpoint: string, more: More = {}): Engine {
  const { credentials = () => CREDENTIALS, ...budget } = more
  const engine = new Engine({
    access: { settings: settingsOf(endpoint), credentials, retry: FAST },
    budget: { threads: 1, memory: 32 * MEBIBYTE, ...budget },
    checksum: 'crc64nvme',
  })
  t.teardown(() => engine.close())
  return engine
}

interface Place {
  readonly server: LocalS3
  readonly engine: Engine
  /** Uploads one small file of this name. */
  readonly put: (name: string) => ReturnType<Engine['files']>
}

async function start(t: Test, more: More = {}): Promise<Place> {
  const { server, client, directory } = await testBucket(t)
  await ensureBucket(client, true)
  const engine = engineOf(t, server.endpoint, more)
  const put = async (name: string) => {
    const path = join(directory, name)
    writeFileSync(path, name)
    const fd = openSync(path, 'r')
    const { size, mtimeNs } = statSync(path, { bigint: true })
    const file: FileUpload = {
      ...{ fd, path, key: name, size: Number(size), mtime: mtimeNs },
      ...{ headers: {}, versionStem: `versions/${name}`, md5: false, trustsSize: true },
    }
    try {
      return await engine.files({ kind: 'files', files: [file] })
    } finally {
      closeSync(fd)
    }
  }
  server.requests.length = 0
  return { server, engine, put }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}

await t.test('tasks and buffers stay within the memory', t => {
  for (const threads of [1, 2, 3, 8, 64]) {
    for (const memory of [1, 5, 8, 15, 16, 17, 64, 100, 1000].map(count => count * MEBIBYTE)) {
      const engine = engineOf(t, 'http://127.0.0.1:1', { threads, memory })
      const { width, buffer } = engine
      if (width * buffer > memory || width < 1 || buffer < Math.min(memory, 8 * MEBIBYTE)) {
        t.fail(`${threads} threads, ${memory} bytes: ${width} buffers of ${buffer}`)
      }
    }
  }
  t.pass()
  t.end()
})

await t.test('a thread that dies fails its tasks, and the next ones get another', async t => {
  const { server, put } = await start(t)
  for (const kill of [
    (worker: Worker) => void worker.terminate(),
    // piscina's own listener cannot make anything of it.
    (worker: Worker) => worker.postMessage(undefined),
  ]) {
    const rule = server.faults.add({ on: 'PutObject', count: 2, fault: faults.silence() })
    const lost = [put('a'), put('b')].map(task => task.catch((error: unknown) => error))
    await until(() => rule.hits === 2)
    kill(workers.at(-1)!)
    for (const error of await Promise.all(lost)) t.match(error, { code: 'WORKER_DIED', retry: true })
    t.match(await put('c'), [{ ok: true }], 'work goes on')
    server.faults.clear()
  }
})

await t.test('threads that do not even start fail their tasks', async t => {
  const engine = engineOf(t, 'no address at all')
  const file = { fd: 0, path: '/x', key: 'x', size: 0, mtime: 0n }
  const digest = () => engine.digest({ kind: 'digest', file, md5: false })
  for (let round = 0; round < 2; round++) {
    const tasks = await Promise.allSettled([digest(), digest(), digest(), digest(), digest(), digest()])
    for (const task of tasks) {
      t.match(task, {
        reason: { code: 'WORKER_DIED', retry: true, message: /endpoint-url "no address at all"/ },
      })
    }
  }
})

await t.test('closing fails what is under way, what waits, and what comes', async t => {
  const { server, engine, put } = await start(t, { memory: 8 * MEBIBYTE })
  t.equal(engine.width, 1)
  const rule = server.faults.add({ on: 'PutObject', count: Infinity, fault: faults.silence() })
  const tasks = ['a', 'b', 'c'].map(name => put(name).catch((error: unknown) => error))
  await until(() => rule.hits === 1)
  const before = performance.now()
  await engine.close()
  for (const error of await Promise.all(tasks)) t.match(error, { code: 'ENGINE_CLOSED', retry: true })
  await t.rejects(put('d'), { code: 'ENGINE_CLOSED' })
  await engine.close()
  t.ok(performance.now() - before < 5000)
})

await t.test('credentials that cannot be had fail a task, and hold nothing up', async t => {
  let fail = true
  const credentials = () => (fail ? Promise.reject(new Error('no credentials')) : CREDENTIALS)
  const { put } = await start(t, { credentials, memory: 8 * MEBIBYTE })
  await t.rejects(Promise.all([put('a'), put('b')]), { message: 'no credentials' })
  fail = false
  t.match(await put('c'), [{ ok: true }])
})

await t.test('errors come back with their class', async t => {
  const { server, engine, put } = await start(t)
  server.faults.add({ on: 'PutObject', fault: faults.answer(403, 'AccessDenied') })
  const [outcome] = await put('a')
  t.match(outcome, { ok: false, error: { s3: true, code: 'S3_ACCESS_DENIED', status: 403, key: 'a' } })
  const part = { kind: 'part', uploadId: 'none', number: 1, start: 0, bytes: 0, held: undefined } as const
  const fd = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(fd))
  const { mtimeNs } = statSync('/dev/null', { bigint: true })
  const file = { fd, path: '/dev/null', key: 'k', size: 0, mtime: mtimeNs }
  const missing = await engine.part({ ...part, file }, 'crc64nvme').catch((error: unknown) => error)
  t.type(missing, S3Error)
  t.match(missing, { s3Code: 'NoSuchUpload', status: 404, retry: false })
  const changed = engine.part({ ...part, file: { ...file, mtime: 1n } }, 'crc64nvme')
  await t.rejects(changed, { name: 'TablesnapError', code: 'FILE_CHANGED', retry: true, path: '/dev/null' })
})

await t.test('a server that asks for less gets less, and later more again', async t => {
  const { server, engine, put } = await start(t, { threads: 2 })
  t.equal(engine.width, 4)
  let serial = 0
  const putAll = async (files: number): Promise<void> => {
    await Promise.all(Array.from({ length: files }, () => put(`f${serial++}`)))
  }
  /** Holds every PUT until so many have come, and sees that no more do. */
  const atOnce = async (expected: number): Promise<void> => {
    let release = (): void => undefined
    const released = new Promise<void>(resolve => (release = resolve))
    const rule = server.faults.add({ on: 'PutObject', count: Infinity, fault: faults.delay(released) })
    const puts = putAll(8)
    await until(() => rule.hits >= expected)
    await sleep(100)
    t.equal(rule.hits, expected, `${expected} at once`)
    rule.remove()
    release()
    await puts
  }
  await atOnce(4)
  for (let n = 0; n < 2; n++) server.faults.add({ on: 'PutObject', fault: faults.slowDown() })
  await put('slow')
  await atOnce(1)
  await putAll(60)
  await atOnce(4)
})
