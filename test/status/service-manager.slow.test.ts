import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'

/** Prints when each datagram came, seconds, and what it holds. An @ stands for the NUL of an abstract name, as systemd writes it. */
const RECEIVER = `
import json, socket, sys, time
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1].replace('@', '\\0', 1))
print(json.dumps([0, 'bound']), flush=True)
while True:
    message = server.recv(65536).decode()
    print(json.dumps([time.monotonic(), message]), flush=True)
`

/** Lets any process of the user stop threads of the command that follows (Yama's PR_SET_PTRACER). */
const TRACEABLE = `
import ctypes, os, sys
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
`

/** Stops all threads but the main one that wait for events (epoll), as the workers do; they go on when its stdin ends. */
const STOP_WORKERS = `
import ctypes, os, sys
pid = sys.argv[1]
trace = ctypes.CDLL(None, use_errno=True).ptrace
stopped = 0
for thread in os.listdir(f'/proc/{pid}/task'):
    if thread == pid: continue
    call = open(f'/proc/{pid}/task/{thread}/syscall').read().split()[0]
    if call not in ('22', '232', '281', '441'): continue
    for request in (0x4206, 0x4207):
        if trace(request, int(thread), None, None) != 0: sys.exit(os.strerror(ctypes.get_errno()))
    stopped += 1
print(stopped, flush=True)
sys.stdin.read()
`

type Python = ChildProcessByStdio<Writable, Readable, null>

function python(t: Test, script: string, ...args: readonly string[]): Python {
  const child = spawn('python3', ['-c', script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** The socket of a service manager. */
class Manager {
  #text = ''

  constructor(
    t: Test,
    readonly address: string,
  ) {
    python(t, RECEIVER, address).stdout.on('data', (chunk: Buffer) => (this.#text += chunk.toString()))
  }

  get messages(): readonly { readonly at: number; readonly text: string }[] {
    const lines = this.#text.split('\n').slice(0, -1)
    return lines.map(line => {
      const [at, text] = JSON.parse(line) as [number, string]
      return { at, text }
    })
  }

  /** When the messages with this line came, seconds. */
  times(line: string): number[] {
    return this.messages.filter(({ text }) => text.split('\n').includes(line)).map(({ at }) => at)
  }

  async ready(): Promise<void> {
    await until(() => this.messages.length > 0)
  }
}

const WATCH = ['-r', '-a', '-B', '--watch']

async function daemon(
  t: Test,
  node: TestNode,
  manager: Manager,
  env: Record<string, string> = {},
): Promise<Cli> {
  await manager.ready()
  const cli = new Cli(node.args(WATCH), {
    env: { NOTIFY_SOCKET: manager.address, ...env },
    wrapper: ['python3', '-c', TRACEABLE],
  })
  t.teardown(() => cli.kill('SIGKILL'))
  return cli
}

await t.test('systemd hears READY once the daemon watches, its state, and STOPPING on SIGTERM', async t => {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big')
  for (const address of [join(node.bucket.directory, 'notify'), `@tablesnap-test-${process.pid}`]) {
    const manager = new Manager(t, address)
    const cli = await daemon(t, node, manager)
    await cli.seen(/Watching/)
    await until(() => manager.times('READY=1').length === 1)
    t.match(manager.messages[1]?.text, /^READY=1\nSTATUS=./, 'the first message')
    cli.kill('SIGTERM')
    t.equal(await cli.exit, 143)
    t.match(manager.messages.at(-1)?.text, /^STOPPING=1\n/)
    t.same(manager.times('WATCHDOG=1'), [], 'nobody asked for signs of life')
    t.notMatch(cli.stderr, /systemd/)
  }
})

await t.test('a daemon whose server is away is ready, and says what it waits for', async t => {
  const node = await TestNode.create(t)
  await node.bucket.server.close()
  const manager = new Manager(t, join(node.bucket.directory, 'notify'))
  const cli = await daemon(t, node, manager)
  await until(() => manager.times('READY=1').length === 1)
  t.match(manager.messages[1]?.text, /STATUS=S3 (is )?unreachable|STATUS=.*cannot be reached/)
  t.notMatch(cli.stderr, /Watching/)
})

await t.test('signs of life come at half the time, and not while worker threads stand still', async t => {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big')
  const manager = new Manager(t, join(node.bucket.directory, 'notify'))
  const cli = await daemon(t, node, manager, { WATCHDOG_USEC: '3000000' })
  const signs = () => manager.times('WATCHDOG=1')
  await until(() => signs().length >= 4)
  const [first = 0, ...others] = signs()
  const pauses = others.map((at, index) => at - ([first, ...others][index] ?? 0))
  t.ok(
    pauses.every(pause => pause > 0.5 && pause < 2.9),
    `every 1.5 s: ${pauses.join(' ')}`,
  )

  // The threads must not have ended for want of work.
  node.table().set('nb-2-big')
  await cli.seen(/Uploaded .*nb-2-big/)
  const stopper = python(t, STOP_WORKERS, String(cli.child.pid))
  const stopped = await new Promise<number>(resolve =>
    stopper.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  )
  t.ok(stopped >= 1, `${stopped} threads were stopped`)
  await cli.seen(/worker threads? made no progress for \d s; systemd restarts tablesnap if that lasts/)
  const count = signs().length
  await sleep(4_000)
  t.equal(signs().length, count, 'no sign of life while they stand still')
  stopper.stdin.end()
  await until(() => signs().length > count)
  t.equal(cli.child.exitCode, null)
})

await t.test('the watchdog of another process is not ours', async t => {
  const node = await TestNode.create(t)
  const manager = new Manager(t, join(node.bucket.directory, 'notify'))
  const cli = await daemon(t, node, manager, { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '1' })
  await cli.seen(/Watching/)
  await sleep(2_500)
  t.same(manager.times('WATCHDOG=1'), [])
})

await t.test('a service manager that is gone is one warning', async t => {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big')
  const env = { NOTIFY_SOCKET: '/nonexistent/notify', WATCHDOG_USEC: '2000000' }
  const cli = new Cli(node.args(WATCH), { env })
  t.teardown(() => cli.kill('SIGKILL'))
  await cli.seen(/Uploaded .*nb-1-big/)
  await sleep(2_500)
  t.equal(cli.stderr.match(/systemd cannot be told the status/g)?.length, 1)
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
})
