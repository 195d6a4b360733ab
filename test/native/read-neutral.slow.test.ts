import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import t, { type Test } from 'tap'
import { leftPages, readNeutral, readNeutralSync, useDontCache } from 'tablesnap-io'

import { resident, warm, writeCold } from '../support/page-cache.js'

const MEBIBYTE = 1024 * 1024

function directoryOf(t: Test, parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'tablesnap-read-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function opened(t: Test, path: string): number {
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  return fd
}

/** Reads a whole file as the engine does: several tasks at once, part by part. */
async function readAll(fd: number, size: number, part = 8 * MEBIBYTE): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(part)
    while (next < size) {
      const start = next
      const length = Math.min(part, size - start)
      next += part
      for (let done = 0; done < length;) {
        const count = await readNeutral(fd, buffer, done, length - done, start + done)
        if (count === 0) throw new Error(`nothing at ${start + done}`)
        done += count
      }
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()])
}

for (const kernel of [true, false]) {
  await t.test(kernel ? 'by the kernel' : 'by mincore and fadvise', async t => {
    useDontCache(kernel)
    t.teardown(() => useDontCache(true))
    const directory = directoryOf(t)

    await t.test('the bytes of a file', async t => {
      const path = join(directory, 'bytes')
      const bytes = randomBytes(300_001)
      writeFileSync(path, bytes)
      const fd = opened(t, path)
      const buffer = Buffer.alloc(400_000)
      t.equal(await readNeutral(fd, buffer, 10, 300, 77), 300)
      t.same(buffer.subarray(10, 310), bytes.subarray(77, 377))
      t.ok(
        buffer.subarray(310).every(byte => byte === 0),
        'and no byte more',
      )
      t.equal(await readNeutral(fd, buffer, 0, 400_000, 1), 300_000, 'up to the end')
      t.same(buffer.subarray(0, 300_000), bytes.subarray(1))
      t.equal(await readNeutral(fd, buffer, 0, 10, 300_001), 0)
      t.equal(await readNeutral(fd, buffer, 0, 10, 2 ** 52), 0)
      t.equal(await readNeutral(fd, buffer, 400_000, 0, 0), 0)
      buffer.fill(0)
      t.equal(readNeutralSync(fd, buffer, 10, 300, 77), 300, 'in this thread')
      t.same(buffer.subarray(10, 310), bytes.subarray(77, 377))
      t.ok(buffer.subarray(310).every(byte => byte === 0))
      t.equal(readNeutralSync(fd, buffer, 0, 10, 300_001), 0)
    })

    await t.test('a small cold file stays cold that is read in this thread', t => {
      const path = join(directory, 'small')
      writeCold(path, 60_000)
      t.equal(resident(path), 0)
      t.equal(readNeutralSync(opened(t, path), Buffer.alloc(60_000), 0, 60_000, 0), 60_000)
      t.equal(resident(path), 0)
      t.end()
    })

    await t.test('a cold file stays cold', async t => {
      const path = join(directory, 'cold')
      writeCold(path, 96 * MEBIBYTE + 5000)
      t.equal(resident(path), 0)
      await readAll(opened(t, path), 96 * MEBIBYTE + 5000)
      const left = resident(path)
      t.ok(left <= MEBIBYTE, `${left} bytes`)
      t.notOk(leftPages())
    })

    await t.test('what was resident stays, and nothing comes', async t => {
      const path = join(directory, 'mixed')
      const size = 160 * MEBIBYTE
      writeCold(path, size)
      // From where others read in a row the kernel reads ahead, also when it is we who come by there.
      warm(path, 20 * MEBIBYTE, 9 * MEBIBYTE + 4096)
      warm(path, 100 * MEBIBYTE, MEBIBYTE)
      const before = resident(path)
      t.ok(before >= 10 * MEBIBYTE && before < 60 * MEBIBYTE, `${before} bytes`)
      await readAll(opened(t, path), size)
      // The kernel may reclaim a few pages at any time.
      const stayed = [resident(path, 20 * MEBIBYTE, 9 * MEBIBYTE), resident(path, 100 * MEBIBYTE, MEBIBYTE)]
      const [first = 0, second = 0] = stayed
      t.ok(first > 8.9 * MEBIBYTE && second > 0.9 * MEBIBYTE, `${first} and ${second} bytes stayed`)
      const more = resident(path) - before
      // It may read ahead once more, by up to what its read_ahead_kb says, and reclaim what it had read ahead before.
      t.ok(more <= (kernel ? 32 : 1) * MEBIBYTE, `${more} bytes more`)
    })
  })
}

await t.test('a file system without RWF_DONTCACHE', { skip: !existsSync('/dev/shm') }, async t => {
  const path = join(directoryOf(t, '/dev/shm'), 'file')
  const bytes = randomBytes(100_000)
  writeFileSync(path, bytes)
  const fd = opened(t, path)
  const buffer = Buffer.alloc(100_000)
  for (let round = 0; round < 2; round++) {
    t.equal(await readNeutral(fd, buffer.fill(0), 0, 100_000, 0), 100_000)
    t.same(buffer, bytes)
  }
})

await t.test('something that is no regular file', async t => {
  const fd = opened(t, '/dev/zero')
  const buffer = Buffer.alloc(10, 1)
  t.equal(await readNeutral(fd, buffer, 0, 10, 0), 10)
  t.same(buffer, Buffer.alloc(10))
  t.notOk(leftPages())
})

await t.test('errors are those of node:fs', async t => {
  const directory = directoryOf(t)
  const fd = opened(t, directory)
  const isDirectory = { name: 'Error', code: 'EISDIR', syscall: 'read', errno: -21 }
  await t.rejects(readNeutral(fd, Buffer.alloc(10), 0, 10, 0), {
    ...isDirectory,
    message: 'EISDIR: illegal operation on a directory, read',
  })
  await t.rejects(readNeutral(2 ** 20, Buffer.alloc(10), 0, 10, 0), { code: 'EBADF', syscall: 'read' })
  t.throws(() => readNeutralSync(fd, Buffer.alloc(10), 0, 10, 0), isDirectory)
})

await t.test('arguments of the wrong kind', t => {
  const data = Buffer.alloc(10)
  const call = (...args: unknown[]) => (readNeutral as (...args: unknown[]) => unknown)(...args)
  t.throws(() => readNeutralSync(0, data, 11, 0, 0), new TypeError('offset must lie within data'))
  for (const fd of [-1, 0.5, '1', undefined, 2 ** 31]) {
    t.throws(() => call(fd, data, 0, 1, 0), new TypeError('fd must be a file descriptor'))
  }
  t.throws(() => call(0, [], 0, 1, 0), new TypeError('data must be a Uint8Array'))
  for (const offset of [-1, 11, 0.5, NaN, undefined]) {
    t.throws(() => call(0, data, offset, 0, 0), new TypeError('offset must lie within data'))
  }
  for (const length of [-1, 8, Infinity, undefined]) {
    t.throws(() => call(0, data, 3, length, 0), new TypeError('length must lie within data'))
  }
  for (const position of [-1, 2 ** 53, null, 1n]) {
    t.throws(
      () => call(0, data, 0, 1, position),
      new TypeError('position must be an integer from 0 to 2^53-1'),
    )
  }
  t.throws(() => (useDontCache as (use: unknown) => void)(1), new TypeError('use must be a boolean'))
  t.end()
})

await t.test('a thread that ends with reads under way', async t => {
  const path = join(directoryOf(t), 'file')
  writeCold(path, 64 * MEBIBYTE)
  const source = `
    import(${JSON.stringify(import.meta.resolve('tablesnap-io'))}).then(io => {
      const fd = require('node:fs').openSync(${JSON.stringify(path)})
      for (let n = 0; n < 8; n++) void io.readNeutral(fd, Buffer.alloc(8 << 20), 0, 8 << 20, n << 23)
      require('node:worker_threads').parentPort.postMessage('begun')
    })`
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(source, { eval: true, execArgv: [] })
    await new Promise(resolve => worker.once('message', resolve))
    await worker.terminate()
  }
  t.pass('the process lives')
})

await t.test('where mincore tells nothing', { skip: process.getuid?.() !== 0 }, async t => {
  const directory = directoryOf(t)
  chmodSync(directory, 0o755)
  const path = join(directory, 'file')
  writeFileSync(path, randomBytes(1000), { mode: 0o644 })
  const source = `
    import { openSync } from 'node:fs'
    import { leftPages, readNeutral, useDontCache } from ${JSON.stringify(import.meta.resolve('tablesnap-io'))}
    process.setgroups([]); process.setgid(65534); process.setuid(65534)
    const fd = openSync(${JSON.stringify(path)})
    const buffer = Buffer.alloc(1000)
    const told = []
    for (const kernel of [true, false]) {
      useDontCache(kernel)
      told.push(await readNeutral(fd, buffer, 0, 1000, 0), leftPages())
    }
    console.log(told.join())`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  })
  t.match(stdout, /^1000,(true|false),1000,true$/m, stderr)
})
