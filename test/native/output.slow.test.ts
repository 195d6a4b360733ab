import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { connectLocal, replaceDescriptor, writeNow } from 'tablesnap-io'
import t from 'tap'

import { folder, thrown, until } from './support.js'

const MEBIBYTE = Buffer.alloc(1024 * 1024, 'x')

/** The flags of a descriptor, as open(2) has them. */
function flagsOf(fd: number): number {
  const [, flags = ''] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
  return Number.parseInt(flags, 8)
}

/** Writes until the descriptor takes no more. @returns bytes */
function fill(fd: number): number {
  let bytes = 0
  for (let count = -1; count !== 0; bytes += count) {
    count = writeNow(fd, MEBIBYTE, 0)
    if (bytes > 64 * MEBIBYTE.length) throw new Error('it takes everything')
  }
  return bytes
}

await t.test('a full pipe takes nothing, keeps its flags, and takes more when it was read', t => {
  const path = join(folder(t), 'pipe')
  spawnSync('mkfifo', [path])
  const both = openSync(path, 'r+')
  const flags = flagsOf(both)
  t.equal(fill(both), 64 * 1024)
  t.equal(writeNow(both, MEBIBYTE, 0), 0)
  t.equal(flagsOf(both), flags, 'O_NONBLOCK would be seen by all who share the pipe')
  readSync(both, Buffer.alloc(10_000))
  t.ok(writeNow(both, MEBIBYTE, 0) > 0)
  closeSync(both)
  t.end()
})

await t.test('a pipe that nobody reads any more is EPIPE, /dev/full ENOSPC, /dev/null takes all', t => {
  const path = join(folder(t), 'pipe')
  spawnSync('mkfifo', [path])
  const reader = openSync(path, 'r+')
  const writer = openSync(path, 'w')
  closeSync(reader)
  t.match(
    thrown(() => writeNow(writer, MEBIBYTE, 0)),
    { code: 'EPIPE', syscall: 'write' },
  )
  closeSync(writer)
  const full = openSync('/dev/full', 'w')
  t.equal(thrown(() => writeNow(full, MEBIBYTE, 0))?.code, 'ENOSPC')
  closeSync(full)
  const none = openSync('/dev/null', 'w')
  t.equal(writeNow(none, MEBIBYTE, 10), MEBIBYTE.length - 10)
  closeSync(none)
  t.equal(thrown(() => writeNow(none, MEBIBYTE, 0))?.code, 'EBADF')
  t.end()
})

await t.test('a terminal that nobody reads takes no more, and its flags stay', async t => {
  // script(1) makes a terminal; the program in it fills it while script is stopped.
  const program = `
    import { readFileSync, writeFileSync } from 'node:fs'
    import { setTimeout } from 'node:timers/promises'
    import { writeNow } from ${JSON.stringify(import.meta.resolve('tablesnap-io'))}
    const flags = readFileSync('/proc/self/fdinfo/2', 'utf8')
    process.kill(process.ppid, 'SIGSTOP')
    let bytes = 0
    for (let count = -1; count !== 0; bytes += count) count = writeNow(2, Buffer.alloc(100000, 'x'), 0)
    const same = /flags.*/.exec(flags)[0] === /flags.*/.exec(readFileSync('/proc/self/fdinfo/2', 'utf8'))[0]
    writeFileSync(process.env.RESULT, JSON.stringify({ bytes, same }))
    process.kill(process.ppid, 'SIGCONT')
    await setTimeout(100)
  `
  const place = folder(t)
  const result = join(place, 'result')
  writeFileSync(join(place, 'program.mjs'), program)
  const child = spawn(
    'python3',
    ['-c', 'import pty,sys; pty.spawn(sys.argv[1:])', process.execPath, join(place, 'program.mjs')],
    { stdio: ['ignore', 'ignore', 'ignore'], env: { PATH: process.env['PATH'], RESULT: result } },
  )
  t.teardown(() => child.kill('SIGKILL'))
  await until(() => thrown(() => readFileSync(result)) === undefined)
  await until(() => readFileSync(result, 'utf8').endsWith('}'))
  const { bytes, same } = JSON.parse(readFileSync(result, 'utf8')) as { bytes: number; same: boolean }
  t.ok(bytes > 0 && bytes < 1024 * 1024, `${bytes} bytes`)
  t.ok(same)
})

await t.test('a socket that nobody reads takes no more', async t => {
  const path = join(folder(t), 'socket')
  const server = createServer(socket => socket.pause()).listen(path)
  t.teardown(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  t.equal(thrown(() => connectLocal(path, true))?.code, 'EPROTOTYPE')
  const fd = connectLocal(path, false)
  t.ok(fill(fd) > 0)
  closeSync(fd)
  t.equal(thrown(() => connectLocal(join(path, 'x'), false))?.code, 'ENOTDIR')
  t.equal(thrown(() => connectLocal(`/${'x'.repeat(120)}`, false))?.code, 'ENAMETOOLONG')
  t.equal(thrown(() => connectLocal('/nonexistent/socket', true))?.code, 'ENOENT')
})

await t.test('a descriptor can be made another one', t => {
  const place = folder(t)
  const first = openSync(join(place, 'first'), 'w')
  const second = openSync(join(place, 'second'), 'w')
  replaceDescriptor(second, first)
  writeSync(first, 'text')
  t.equal(readFileSync(join(place, 'second'), 'utf8'), 'text')
  t.equal(readFileSync(join(place, 'first'), 'utf8'), '')
  closeSync(first)
  closeSync(second)
  t.equal(thrown(() => replaceDescriptor(first, second))?.code, 'EBADF')
  t.end()
})

await t.test('arguments of the wrong kind', t => {
  t.throws(() => writeNow(-1, MEBIBYTE, 0), { name: 'TypeError' })
  t.throws(() => writeNow(1, 'text' as unknown as Uint8Array, 0), { name: 'TypeError' })
  t.throws(() => writeNow(1, MEBIBYTE, MEBIBYTE.length + 1), { name: 'TypeError' })
  t.throws(() => connectLocal(1 as unknown as string, true), { name: 'TypeError' })
  t.throws(() => replaceDescriptor(0.5, 1), { name: 'TypeError' })
  t.end()
})
