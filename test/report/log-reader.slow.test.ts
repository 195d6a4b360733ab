import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'

/** SSTables of a table whose path is so long that the log of their upload is longer than what may wait for a reader. */
const SETS = 120
const TABLE = `${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(200)}`

/** Files of an SSTable. */
const FILES = 8

/** A named pipe that is open on our side, so that nothing waits for a reader, and is read when the test says so. */
function pipe(t: Test): { fd: number; read: () => string } {
  const path = join(t.testdir({}), 'pipe')
  spawnSync('mkfifo', [path])
  const fd = openSync(path, 'r+')
  const chunk = Buffer.alloc(64 * 1024)
  t.teardown(() => closeSync(fd))
  // The server is in this process: nothing here may wait.
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.teardown(() => closeSync(reader))
  const read = (): string => {
    try {
      return chunk.subarray(0, readSync(reader, chunk)).toString()
    } catch {
      return ''
    }
  }
  return { fd, read }
}

async function filled(t: Test): Promise<TestNode> {
  const node = await TestNode.create(t)
  const table = node.table(TABLE)
  for (let n = 1; n <= SETS; n++) table.set(`nb-${n}-big`)
  return node
}

/** Resident memory of a process, MiB. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

await t.test(
  'a pipe whose reader stops: the daemon goes on, and says later how many lines were dropped',
  async t => {
    const node = await filled(t)
    const { fd, read } = pipe(t)
    const cli = new Cli(node.args(['-v', '-r', '-a', '-B', '--watch']), { stderr: fd })
    t.teardown(() => cli.kill('SIGKILL'))
    const { requests } = node.bucket.server
    const stored = () =>
      requests.filter(
        ({ key, method, status }) => method === 'PUT' && status === 200 && /nb-\d+-big-Data\.db$/.test(key),
      ).length
    await until(() => stored() >= SETS, 110_000)
    const table = node.table(TABLE).flush(`nb-${SETS + 1}-big`)
    await until(() => stored() >= SETS + 1)
    t.ok(memoryOf(cli.child.pid ?? 0) < 400)
    // Each file has two lines; those of one SSTable come in any order, as its files are uploaded side by side.
    const wanted = (SETS + 1) * FILES * 2
    let text = ''
    let dropped = 0
    const accounted = (): number => {
      const lines = text.split('\n').slice(0, -1)
      const losses = lines.flatMap(
        line => /WARNING (\d+) log lines were dropped here: whoever reads stderr/.exec(line)?.[1] ?? [],
      )
      dropped = losses.reduce((sum, count) => sum + Number(count), 0)
      return dropped + lines.filter(line => / (?:Finished uploading|Uploading) /.test(line)).length
    }
    const newest = `Finished uploading ${table.path}/nb-${SETS + 1}-big-Data.db`
    // Among the dropped lines are others, too: the count may be reached before the newest ones are read.
    await until(() => {
      text += read()
      return accounted() >= wanted && text.includes(newest)
    })
    t.match(text, newest, 'the newest lines are there')
    const lines = text.split('\n').slice(0, -1)
    t.ok(
      lines.every(line => /^\d{4}-\d\d-\d\d .*/.test(line)),
      'no line is cut',
    )
    t.ok(dropped > 0, `${dropped} dropped`)
    t.ok(accounted() < wanted + 200, 'no line is counted that was not written')
    cli.kill('SIGTERM')
    t.equal(await cli.exit, 143)
  },
)

await t.test('the end of a daemon waits a few seconds for a reader that is stuck', async t => {
  const node = await TestNode.create(t)
  const { fd } = pipe(t)
  const table = node.table('t')
  for (let n = 1; n <= 5; n++) table.set(`nb-${n}-big`)
  const cli = new Cli(node.args(['-v', '-r', '-B', '--watch']), { stderr: fd })
  t.teardown(() => cli.kill('SIGKILL'))
  writeFileSync(fd, Buffer.alloc(64 * 1024 - 4096, '\n'))
  await node.arrived(table.paths().map(path => node.key(path)))
  const began = performance.now()
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
  t.ok(performance.now() - began < 15_000)
})

await t.test('a slow reader gets the summary of a one-shot run', async t => {
  const node = await filled(t)
  const args = [
    process.execPath,
    join(import.meta.dirname, '../../bin/tablesnap.js'),
    ...node.args(['-v', '-r', '-B']),
  ]
  // It reads 16 KiB each 20 ms: slower than the log is written.
  const slow = `import sys,time,os
text=b''
while True:
  piece=os.read(0,16384)
  if not piece: break
  text+=piece
  time.sleep(0.02)
sys.stdout.buffer.write(text[-3000:])`
  const shell = spawn(
    'bash',
    ['-o', 'pipefail', '-c', '"$@" 2>&1 >/dev/null | python3 -c "$SLOW"', 'bash', ...args],
    {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', SLOW: slow },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let text = ''
  shell.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  t.equal(await new Promise(resolve => shell.once('close', resolve)), 0)
  t.match(text, new RegExp(`Uploaded ${SETS * FILES} files .* 0 failed\\n$`))
})

await t.test('a socket whose reader stops, as that of journald', async t => {
  const node = await TestNode.create(t)
  const path = join(node.bucket.directory, 'log')
  const table = node.table(TABLE)
  for (let n = 1; n <= 40; n++) table.set(`nb-${n}-big`)
  let socket: Socket | undefined
  const server = createServer(accepted => (socket = accepted.pause())).listen(path)
  t.teardown(() => {
    socket?.destroy()
    server.close()
  })
  await until(() => existsSync(path))
  const connect =
    'import os,socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); os.dup2(s.fileno(),2); os.execv(sys.argv[2],sys.argv[2:])'
  const binary = join(import.meta.dirname, '../../bin/tablesnap.js')
  const child = spawn(
    'python3',
    ['-c', connect, path, process.execPath, binary, ...node.args(['-v', '-r', '-B', '--watch'])],
    {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
      stdio: 'ignore',
    },
  )
  t.teardown(() => child.kill('SIGKILL'))
  // More than a socket takes, less than what may wait.
  await node.arrived(table.paths().map(path => node.key(path)))
  let text = ''
  socket?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket?.resume()
  child.kill('SIGTERM')
  await new Promise(resolve => child.once('close', resolve))
  await until(() => text.includes(' 0 failed'))
  t.ok(
    table.paths().every(path => text.includes(`Finished uploading ${path}\n`)),
    'no line is missing',
  )
})

await t.test('a log file on a full disk', async t => {
  const node = await TestNode.create(t)
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const table = node.table('t').set('nb-1-big')
  const cli = new Cli(node.args(['-r', '-B']), { stderr: full })
  t.equal(await cli.exit, 0)
  await node.same(t, table.paths())
})

await t.test('a pipe that was closed: the daemon goes on', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  const cli = await node.watch(t)
  cli.child.stderr?.destroy()
  cli.child.stdout?.destroy()
  table.flush('nb-1-big')
  await node.arrived(table.paths().map(path => node.key(path)))
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) cli.kill(signal)
  table.flush('nb-2-big')
  await node.arrived(table.paths().map(path => node.key(path)))
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
})

await t.test('SIGHUP opens a log file again that logrotate renamed', async t => {
  const node = await TestNode.create(t)
  const path = join(t.testdir({}), 'tablesnap.log')
  const fd = openSync(path, 'a')
  const cli = new Cli(node.args(['-r', '-a']), { stderr: fd })
  closeSync(fd)
  t.teardown(() => cli.kill('SIGKILL'))
  await until(() => readFileSync(path, 'utf8').includes('Watching'))
  renameSync(path, `${path}.1`)
  cli.kill('SIGHUP')
  await until(() => existsSync(path) && readFileSync(path, 'utf8').includes('SIGHUP: the log is open again'))
  const table = node.table('t').flush('nb-1-big')
  await until(() => readFileSync(path, 'utf8').includes(`Uploaded ${table.path}/nb-1-big: `))
  t.notMatch(readFileSync(`${path}.1`, 'utf8'), /SIGHUP|nb-1-big/)
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
})

await t.test(
  'what a command prints reaches a slow reader whole, and signals are heard meanwhile',
  async t => {
    const terminal = new URL('../../src/cli/terminal.js', import.meta.url).href
    const program = `
    const { printOut } = await import(${JSON.stringify(terminal)})
    process.once('SIGTERM', () => process.exit(7))
    for (let n = 0; n < 300; n++) await printOut('x'.repeat(1000) + '\\n')
    process.exit(0)
  `
    const start = () =>
      spawn(process.execPath, ['--input-type=module', '-e', program], {
        env: {},
        stdio: ['ignore', 'pipe', 'inherit'],
      })
    const slow = start()
    let bytes = 0
    await sleep(1000)
    slow.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length))
    t.equal(await new Promise(resolve => slow.once('close', resolve)), 0)
    t.equal(bytes, 300 * 1001)
    const stuck = start()
    await sleep(1000)
    stuck.kill('SIGTERM')
    t.equal(await new Promise(resolve => stuck.once('exit', resolve)), 7)
    stuck.stdout.destroy()
  },
)
