import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { Cli } from '../support/cli.js'
import { TestNode, gate, until } from '../support/node.js'

/** A port of its own for the debugger, should it open: other tests run beside this one. */
const ANY_PORT = '--inspect-port=0'

function withOptions(args: readonly string[], nodeOptions: string): Cli {
  return new Cli(args, { nodeOptions })
}

await t.test(
  'SIGHUP, SIGUSR1 and SIGUSR2 end no daemon and open no debugger, while its workers upload',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table('t')
    const held = gate()
    node.bucket.server.faults.add({
      key: /nb-1/,
      on: 'PutObject',
      count: Infinity,
      fault: faults.delay(held.opened),
    })
    const cli = withOptions(node.args(['-r', '-a']), ANY_PORT)
    t.teardown(() => cli.kill('SIGKILL'))
    await cli.seen(/Watching/)
    table.flush('nb-1-big')
    await until(() =>
      node.bucket.server.requests.some(
        ({ key, operation }) => operation === 'PutObject' && key.includes('nb-1'),
      ),
    )
    cli.kill('SIGUSR1')
    await cli.seen(/Status: not in the bucket yet: 1 SSTable .*; newest restore point none yet/)
    for (let n = 0; n < 5; n++)
      for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGUSR1'] as const) cli.kill(signal)
    await cli.seen(/SIGHUP: the log is open again/)
    held.open()
    await node.listed(table.path, table.names())
    await until(async () => {
      cli.kill('SIGUSR1')
      await sleep(50)
      return /Status: protected: .* newest restore point \d{4}-\d\d-\d\dT.*Z/.test(cli.stderr)
    })
    t.notMatch(cli.stderr, /Debugger listening/)
    cli.kill('SIGTERM')
    t.equal(await cli.exit, 143)
  },
)

await t.test('the signals at any time of the start', async t => {
  const node = await TestNode.create(t)
  const startAndSignal = async (signal: NodeJS.Signals, wait: number) => {
    const cli = withOptions(node.args(['-r', '-a', '-n', `${signal}-${wait}`]), ANY_PORT)
    t.teardown(() => cli.kill('SIGKILL'))
    // Until then the process is Node and not yet tablesnap.
    await until(() => nameOf(cli.child.pid ?? 0) === 'tablesnap')
    await sleep(wait)
    cli.kill(signal)
    await cli.seen(/Watching/)
    t.notMatch(cli.stderr, /Debugger listening/, `${signal} after ${wait} ms`)
    cli.kill('SIGTERM')
    t.equal(await cli.exit, 143)
  }
  for (const wait of [0, 50, 100, 200, 300])
    await Promise.all((['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const).map(signal => startAndSignal(signal, wait)))
})

await t.test('a debugger that a signal opened before the first line of the program is closed', async t => {
  const node = await TestNode.create(t)
  const early = `process.kill(process.pid,'SIGUSR1');const end=Date.now()+300;while(Date.now()<end);`
  const cli = withOptions(
    node.args(['-r', '-a']),
    `--inspect-port=0 --import=data:text/javascript,${encodeURIComponent(early)}`,
  )
  t.teardown(() => cli.kill('SIGKILL'))
  await cli.seen(/Watching/)
  const [, port = ''] = /Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(cli.stderr) ?? []
  t.not(port, '', 'Node opened it')
  t.equal(await codeOf(Number(port)), 'ECONNREFUSED')
})

await t.test('a debugger that was asked for stays', async t => {
  const node = await TestNode.create(t)
  const cli = withOptions(node.args(['-r', '-a']), '--inspect=0')
  t.teardown(() => cli.kill('SIGKILL'))
  await cli.seen(/Watching/)
  const [, port = ''] = /Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(cli.stderr) ?? []
  t.equal(await codeOf(Number(port)), 'connected')
})

await t.test(
  'pgrep -x and start-stop-daemon find the daemon by its name; ps shows its arguments',
  async t => {
    const node = await TestNode.create(t)
    const cli = await node.watch(t, ['-r', '-a', '-s', 'testsecret'])
    const pid = cli.child.pid ?? 0
    t.equal(nameOf(pid), 'tablesnap')
    const found = spawnSync('pgrep', ['-x', 'tablesnap'], { encoding: 'utf8' }).stdout.split('\n')
    t.ok(found.includes(String(pid)), 'pgrep -x')
    const shown = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout
    t.match(shown, /^tablesnap .*-r -a -s \*\*\*/)
    t.notMatch(shown, /testsecret/)
    const program = '/usr/sbin/start-stop-daemon'
    if (!existsSync(program)) t.comment('there is no start-stop-daemon here')
    else {
      const stopped = spawnSync(program, ['--stop', '--name', 'tablesnap', '--pidfile', pidFile(t, pid)])
      t.equal(stopped.status, 0)
      t.equal(await cli.exit, 143)
    }
  },
)

/** The name of a process, as /proc has it. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}

/** Other runs of the program on this machine must not be stopped: --name is asked for beside the pid. */
function pidFile(t: Test, pid: number): string {
  return `${t.testdir({ pid: String(pid) })}/pid`
}

/** What comes of a connection to a port of this machine. */
function codeOf(port: number): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve('connected'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.once('connect', () => socket.destroy())
  })
}
