import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Test } from 'tap'

import { backup } from '../../src/cli/backup.js'
import { start } from '../../src/cli/options.js'
import { reportError } from '../../src/cli/terminal.js'
import type { LocalS3Options } from '../../dev/local-s3/index.js'
import { createLogger } from '../../src/report/log.js'
import { openSession } from '../../src/session.js'

import { testBucket, type TestBucket } from './bucket.js'
import { Cli } from './cli.js'
import { expectNoSecret } from './secret.js'
import { Table } from './table.js'

/** What a run that came to its end left. */
export interface Ran {
  readonly code: number | string
  /** Its stderr. */
  readonly log: string
}

/** What the binary does for a backup with these arguments, but within this process. */
export async function runWithin(args: readonly string[]): Promise<Ran> {
  const begun = start(args, { env: {}, cwd: '/', home: undefined })
  if (begun.action !== 'run') throw new Error('that is no backup')
  let text = ''
  const { logFormat, logLevel } = begun.config
  const log = createLogger({ format: logFormat }, line => (text += line), logLevel)
  try {
    const session = await openSession(begun.config, log)
    const never = new Promise<number>(() => undefined)
    const signals = { first: never, second: never, end: () => undefined }
    const code = await backup(session, signals).finally(() => session.close())
    return { code, log: text }
  } catch (error) {
    return { code: reportError(error, log, { name: 'tablesnap', help: () => '' }), log: text }
  } finally {
    expectNoSecret(text, 'the log')
  }
}

/** A Cassandra node's data directory, a bucket for it, and the real binary between them. */
export class TestNode {
  constructor(
    readonly bucket: TestBucket,
    /** The directory that is backed up. */
    readonly data: string,
  ) {}

  static async create(t: Test, options: Partial<LocalS3Options> = {}): Promise<TestNode> {
    const bucket = await testBucket(t, options)
    const data = join(bucket.directory, 'data')
    mkdirSync(data)
    return new TestNode(bucket, data)
  }

  /** A table of the node; its directory is made. */
  table(name = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'): Table {
    return new Table(join(this.data, name))
  }

  /** The arguments of a run: the server, a short settle time, the flags, bucket and path. */
  args(flags: readonly string[], paths: readonly string[] = [this.data]): string[] {
    return [...this.bucket.flags, '--settle', '100', ...flags, this.bucket.bucket, ...paths]
  }

  /** Runs the binary to its end. */
  async run(flags: readonly string[], paths?: readonly string[]): Promise<Ran> {
    const cli = new Cli(this.args(flags, paths))
    const code = await cli.exit
    return { code, log: cli.stderr }
  }

  /** What the binary does for -B, but within this process, which is cheaper. */
  backUp(flags: readonly string[] = [], paths: readonly string[] = [this.data]): Promise<Ran> {
    return runWithin(this.args(['-r', '-B', '-t', '1', ...flags], paths))
  }

  /** Starts a daemon and waits until it watches; it is killed when the test ends. */
  async watch(
    t: Test,
    flags: readonly string[] = ['-r', '-a'],
    paths?: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Cli> {
    const cli = new Cli(this.args(flags, paths), { env })
    t.teardown(async () => {
      cli.kill('SIGKILL')
      await cli.exit
    })
    await cli.seen(/Watching \d+ director/)
    return cli
  }

  /** The key of a file. */
  key(path: string): string {
    return `node1:${path}`
  }

  /** The keys in the bucket, less those of states and of the fence; none while there is no bucket. */
  async keys(prefix?: string): Promise<string[]> {
    const keys = (await this.bucket.list(prefix)).map(({ key }) => key)
    return keys.filter(key => !/\.tablesnap\/[^/]+\/(states\/|node\.json$)/.test(key))
  }

  /** The content of an object. */
  async body(key: string): Promise<Buffer> {
    return (await this.bucket.get(key)).body
  }

  /** Waits until the server has taken all these keys. */
  async arrived(keys: readonly string[], timeout?: number): Promise<void> {
    const { requests } = this.bucket.server
    const stored = () =>
      new Set(
        requests.filter(({ method, status }) => method !== 'GET' && status === 200).map(({ key }) => key),
      )
    const left = () => {
      const there = stored()
      return keys.filter(key => !there.has(key))
    }
    await until(
      () => left().length === 0,
      timeout,
      () => `not in the bucket: ${left().slice(0, 5).join(', ')}`,
    )
  }

  /** The newest listing of a directory, as tableslurp finds it: its Data.db's name and the names in it. */
  async listing(directory: string): Promise<{ dataName: string; names: string[] } | undefined> {
    const prefix = this.key(join(directory, '/'))
    const listings = (await this.bucket.list(prefix)).filter(
      ({ key }) => key.endsWith('-listdir.json') && !key.slice(prefix.length).includes('/'),
    )
    listings.sort((a, b) => a.lastModified - b.lastModified)
    const newest = listings.at(-1)
    if (newest === undefined) return undefined
    const value = JSON.parse((await this.body(newest.key)).toString()) as Record<string, string[]>
    const dataName = newest.key.slice(prefix.length, -'-listdir.json'.length)
    return { dataName, names: [...(value[directory] ?? [])].sort() }
  }

  /** Waits until the newest listing of a directory names exactly these files. */
  async listed(directory: string, names: readonly string[], timeout?: number): Promise<void> {
    const { requests } = this.bucket.server
    const wanted = JSON.stringify([...names].sort())
    let last: string[] | undefined
    let seen = -1
    let looked = -Infinity
    await until(
      async () => {
        const written = requests.filter(isListingWritten).length
        // Now and then even so: it may be another server by now.
        if (written !== seen || performance.now() - looked > 500) {
          last = (await this.listing(directory))?.names
          looked = performance.now()
        }
        seen = written
        return JSON.stringify(last) === wanted
      },
      timeout,
      () => `the listing of ${directory} is ${JSON.stringify(last)}, not ${wanted}`,
    )
  }

  /** Checks that these files are in the bucket byte for byte as they are on the disk. */
  async same(t: Test, paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const object = await this.body(this.key(path)).catch((error: unknown) => error as Error)
      if (object instanceof Error) t.fail(`${path}: ${object.message}`)
      else if (!object.equals(readFileSync(path))) t.fail(`${path}: the object has other content`)
    }
    t.pass(`${paths.length} files compared`)
  }
}

function isListingWritten({ method, key, status }: { method: string; key: string; status: number }): boolean {
  return method === 'PUT' && status === 200 && key.endsWith('-listdir.json')
}

/** Waits until something is so; for what tells nobody when it comes to be. */
export async function until(
  done: () => boolean | Promise<boolean>,
  timeout = 60_000,
  why: () => string = () => 'it did not come about',
): Promise<void> {
  const end = performance.now() + timeout
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`${why()} (${timeout} ms)`)
    await sleep(20)
  }
}

/** Something that happens when the test says so. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open: () => open() }
}
