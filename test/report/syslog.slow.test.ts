import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { syslogMessage } from '../../src/report/syslog.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'

const MESSAGE = /^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d tablesnap: /

/** Prints every datagram that a local socket gets; Node knows no such sockets. */
const RECEIVER = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
while True: print(repr(server.recv(65536).decode()), flush=True)
`

/** A syslog that takes datagrams. */
class Receiver {
  text = ''
  readonly #child

  constructor(
    t: Test,
    readonly path: string,
  ) {
    this.#child = spawn('python3', ['-c', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child.stdout.on('data', (chunk: Buffer) => (this.text += chunk.toString()))
    t.teardown(() => this.#child.kill('SIGKILL'))
  }

  get messages(): string[] {
    return this.text
      .split('\n')
      .filter(line => line !== '')
      .map(line => line.slice(1, -1))
  }

  async stop(): Promise<void> {
    const ended = new Promise(resolve => this.#child.once('close', resolve))
    this.#child.kill('SIGKILL')
    await ended
    rmSync(this.path)
  }
}

await t.test('the form of a message', t => {
  const at = new Date(2026, 10, 6, 9, 5, 3)
  t.equal(syslogMessage('info', 'Uploading /data/x', at), '<30>Nov  6 09:05:03 tablesnap: Uploading /data/x')
  t.equal(syslogMessage('warn', 'a\nb', at), '<28>Nov  6 09:05:03 tablesnap: a\\nb')
  t.equal(syslogMessage('error', 'x', at), '<27>Nov  6 09:05:03 tablesnap: x')
  t.equal(syslogMessage('debug', 'x', new Date(2026, 0, 16, 19, 0, 0)), '<31>Jan 16 19:00:00 tablesnap: x')
  t.ok(Buffer.byteLength(syslogMessage('info', 'x'.repeat(100_000))) < 8200)
  t.end()
})

await t.test('TABLESNAP_SYSLOG sends the log to syslog as well, across a restart of syslog', async t => {
  const node = await TestNode.create(t)
  const path = join(node.bucket.directory, 'log')
  const first = new Receiver(t, path)
  await until(() => existsSync(path))
  const table = node.table('t').set('nb-1-big')
  const cli = new Cli(node.args(['-r', '-a', '-B', '--watch']), { env: { TABLESNAP_SYSLOG: path } })
  t.teardown(() => cli.kill('SIGKILL'))
  await cli.seen(/Watching/)
  await node.listed(table.path, table.names())
  await until(() => first.text.includes(`tablesnap: Uploaded ${table.path}/nb-1-big: `))
  t.ok(first.messages.every(line => MESSAGE.test(line) && !line.endsWith('\\n')))
  await first.stop()
  table.flush('nb-2-big')
  await cli.seen(/Uploaded .*nb-2-big: /)
  const second = new Receiver(t, path)
  await until(() => second.text.includes(`Uploaded ${table.path}/nb-2-big: `))
  t.notMatch(second.text, /dropped/, 'what syslog missed waited for it')
  cli.kill('SIGHUP')
  await until(() => second.text.includes('SIGHUP: the log is open again'))
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
  await until(() => second.text.includes('0 failed'))
})

await t.test('a syslog that takes a stream gets messages with a NUL between them', async t => {
  const node = await TestNode.create(t)
  const path = join(node.bucket.directory, 'log')
  let text = ''
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('data', chunk => (text += chunk.toString()))
  }).listen(path)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await until(() => existsSync(path))
  node.table('t').set('nb-1-big')
  const cli = new Cli(node.args(['-v', '-r', '-B']), { env: { TABLESNAP_SYSLOG: path } })
  t.equal(await cli.exit, 0)
  await until(() => text.includes('0 failed'))
  const messages = text.split('\0')
  t.equal(messages.pop(), '')
  t.ok(messages.length > 10 && messages.every(message => MESSAGE.test(message)))
})

await t.test('without a syslog the run goes on, and says so', async t => {
  const node = await TestNode.create(t)
  node.table('t').set('nb-1-big')
  const cli = new Cli(node.args(['-r', '-B']), { env: { TABLESNAP_SYSLOG: '/nonexistent/log' } })
  t.equal(await cli.exit, 0)
  t.match(
    cli.stderr,
    /WARNING TABLESNAP_SYSLOG is set, but syslog does not listen on \/nonexistent\/log \(ENOENT/,
  )
})

await t.test('TDEBUG shows debug lines', async t => {
  const node = await TestNode.create(t)
  const args = [
    '-k',
    'a',
    '-s',
    'b',
    '--endpoint-url',
    'http://127.0.0.1:1',
    '-n',
    'n',
    '--retry-time',
    '2',
    '-B',
    'bucket',
    node.data,
  ]
  const cli = new Cli(args, { env: { TDEBUG: '1' } })
  t.equal(await cli.exit, 1)
  t.match(cli.stderr, / DEBUG HeadBucket: .*; again in \d+ ms/)
})
