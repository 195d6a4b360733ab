import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Test } from 'tap'

import { Cli } from './cli.js'
import { TestNode, until } from './node.js'
import { errorAnswer, unfaithful } from './unfaithful.js'

/** Names of keys that take turns; the server knows one of them at a time. */
const TURNS = ['one', 'two', 'three']

const KEYS = TURNS.map(name => ({ accessKeyId: `key-${name}`, secretAccessKey: 'testsecret' }))

/** The key of the test itself. */
const TEST_KEY = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }

/** Who is first: the server with a new key, or the rotator with the file. */
export type First = 'server' | 'file'

/** A node whose server takes another access key every few seconds, and a rotator that writes each key into the shared credentials file. */
export class Rotation {
  /** How often the key has changed. */
  turns = 0
  /** Requests that the server refused. */
  refused = 0
  #valid = KEYS[0]
  /** Turns of which both halves are done. */
  #finished = 0
  /** The second half of a turn. */
  #late: NodeJS.Timeout | undefined

  private constructor(
    readonly node: TestNode,
    readonly home: string,
    private readonly lag: number,
    private readonly first: First,
  ) {}

  /** @param interval between two keys, ms @param lag between the file and the server, ms */
  static async start(t: Test, interval: number, lag: number, first: First): Promise<Rotation> {
    const node = await TestNode.create(t, { credentials: [...KEYS, TEST_KEY] })
    const home = join(node.bucket.directory, 'home')
    mkdirSync(join(home, '.aws'), { recursive: true })
    const rotation = new Rotation(node, home, lag, first)
    rotation.#write()
    const timer = setInterval(() => rotation.#turn(), interval)
    t.teardown(() => {
      clearInterval(timer)
      clearTimeout(rotation.#late)
    })
    return rotation
  }

  /** Starts the binary with the credentials of the file, right after a change: keys that never were good are refused at once. */
  async run(t: Test, flags: readonly string[]): Promise<Cli> {
    const before = this.#finished
    await until(() => this.#finished > before)
    const endpoint = await unfaithful(t, this.node.bucket.server.endpoint, {
      request: ({ method, headers }) => {
        const key = this.#valid?.accessKeyId ?? ''
        if (String(headers['authorization']).includes(`Credential=${key}/`)) return undefined
        this.refused++
        return method === 'HEAD'
          ? { status: 403, headers: {}, body: Buffer.alloc(0) }
          : errorAnswer(403, 'InvalidAccessKeyId')
      },
    })
    const args = ['-n', 'node1', '--endpoint-url', endpoint, '--settle', '100', ...flags]
    const cli = new Cli([...args, this.node.bucket.bucket, this.node.data], {
      env: { HOME: this.home, AWS_EC2_METADATA_DISABLED: 'true' },
    })
    t.teardown(async () => {
      cli.kill('SIGKILL')
      await cli.exit
    })
    return cli
  }

  #turn(): void {
    this.turns++
    const next = KEYS[this.turns % KEYS.length]
    const serve = () => (this.#valid = next)
    if (this.first === 'server') serve()
    else this.#write()
    this.#late = setTimeout(() => {
      if (this.first === 'server') this.#write()
      else serve()
      this.#finished++
    }, this.lag)
  }

  /** Puts another file in the place of the one before. */
  #write(): void {
    const key = KEYS[this.turns % KEYS.length]
    const file = join(this.home, '.aws/credentials')
    const lines = [
      '[default]',
      `aws_access_key_id = ${key?.accessKeyId ?? ''}`,
      'aws_secret_access_key = testsecret',
    ]
    writeFileSync(`${file}.new`, `${lines.join('\n')}\n`)
    renameSync(`${file}.new`, file)
  }
}

/** A -B of some files at 64 KiB/s, and a daemon that gets a flush every second, while the key changes. */
export async function backUpWhileKeysChange(
  t: Test,
  interval: number,
  seconds: number,
  first: First,
): Promise<void> {
  const rotation = await Rotation.start(t, interval, 300, first)
  const { node } = rotation
  const table = node.table()
  const sstables = Math.ceil((seconds * 65_536) / 20_000)
  for (let n = 1; n <= sstables; n++) table.set(`nb-${n}-big`, { bytes: 20_000 })
  const backup = await rotation.run(t, ['--max-rate', '64KiB', '-r', '-B'])
  t.equal(await backup.exit, 0, backup.stderr)
  t.notMatch(backup.stderr, /WARNING|ERROR/)
  t.match(backup.stderr, / 0 failed/)
  const turns = rotation.turns
  t.ok(turns >= Math.floor((seconds * 1000) / interval), `${turns} changes of the key`)
  t.ok(rotation.refused > 0, `${rotation.refused} requests were refused`)
  await node.same(t, table.paths())

  const daemon = await rotation.run(t, ['-r', '-a'])
  await daemon.seen(/Watching/)
  let flushes = 0
  const timer = setInterval(() => table.flush(`nb-${10_000 + ++flushes}-big`), 1_000)
  await until(() => rotation.turns >= turns + 4, interval * 10)
  clearInterval(timer)
  await node.arrived(
    table.paths().map(path => node.key(path)),
    60_000,
  )
  t.notMatch(daemon.stderr, /WARNING Not uploaded|ERROR/)
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
}
