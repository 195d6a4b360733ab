import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Test } from 'tap'

import { metadataHeaders, putObject } from '../../src/s3/object.js'
import { FIXTURE } from '../restore/fixture.js'
import { testBucket, type TestBucket } from './bucket.js'
import { publicProgram } from './public-program.js'
import { expectNoSecret } from './secret.js'

/** The directories that the fixture's node had. */
export const DATA = '/var/lib/cassandra/data'
export const T1 = `${DATA}/ks1/t1-0a1b2c3d4e5f60718293a4b5c6d7e8f9`
export const T2 = `${DATA}/ks1/t2-11112222333344445555666677778888`

/** What a run left. */
export interface Ran {
  readonly code: number | string
  readonly stdout: string
  readonly log: string
}

/** How a run is started beside its arguments. */
export interface RunOptions {
  readonly env?: Record<string, string>
  /** The user and group that it runs as. */
  readonly id?: number
}

/** Runs one of the real binaries to its end; no conf file of this machine is read. */
export async function run(
  binary: 'tableslurp' | 'tablechop' | 'tablesnap' | 'tablecheck',
  args: readonly string[],
  { env = {}, id }: RunOptions = {},
): Promise<Ran> {
  const program = id === undefined ? undefined : publicProgram()
  const node = program?.node ?? process.execPath
  const folder = program?.folder ?? fileURLToPath(new URL('../../..', import.meta.url))
  // The runner's own loaders, which it hands down by NODE_OPTIONS, take longer than a restore.
  const child = spawn(
    '/usr/bin/env',
    ['-u', 'NODE_OPTIONS', node, join(folder, `dist/bin/${binary}.js`), ...args],
    {
      cwd: '/',
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', TABLESNAP_CONF: '/dev/null', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(id === undefined ? {} : { uid: id, gid: id }),
    },
  )
  let stdout = ''
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const code = await new Promise<number | string>(resolve => {
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'))
  })
  expectNoSecret(stdout + log, 'an output')
  return { code, stdout, log }
}

/** A bucket as the original left it, and tableslurp. */
export class SlurpWorld {
  #shift = 0
  #targets = 0

  private constructor(
    readonly bucket: TestBucket,
    tell: (shift: () => number) => void,
  ) {
    tell(() => this.#shift)
  }

  static async start(t: Test): Promise<SlurpWorld> {
    let shift = () => 0
    // It stands still: objects that the original wrote in one second have one second here, too.
    const began = Date.now()
    const bucket = await testBucket(t, { now: () => began + shift() })
    const world = new SlurpWorld(bucket, own => (shift = own))
    await bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
    for (const time of [...new Set(FIXTURE.map(({ lastModified }) => lastModified))].sort()) {
      world.later()
      for (const { key, bodyBase64, metadata } of FIXTURE.filter(one => one.lastModified === time)) {
        await world.put(key, Buffer.from(bodyBase64, 'base64'), metadata)
      }
    }
    return world
  }

  /** What is put from now on has a later time. */
  later(): void {
    this.#shift += 1_100
  }

  async put(key: string, body: string | Buffer, metadata: Record<string, string> = {}): Promise<void> {
    const headers = metadataHeaders(metadata)
    await putObject(
      this.bucket.client,
      key,
      { body: Buffer.from(body), headers: {} },
      { headers, ifAbsent: false },
    )
  }

  /** Puts a table of one set and its listing. @returns the names of its files */
  async table(directory: string, set: string, metadata: Record<string, string> = {}): Promise<string[]> {
    const names = ['Data.db', 'Index.db', 'Statistics.db', 'TOC.txt'].map(component => `${set}-${component}`)
    for (const name of names) await this.put(`node1:${directory}/${name}`, `${directory}/${name}`, metadata)
    this.later()
    await this.put(`node1:${directory}/${set}-Data.db-listdir.json`, JSON.stringify({ [directory]: names }))
    return names
  }

  /** A directory that does not exist yet. */
  target(): string {
    return join(this.bucket.directory, `target${this.#targets++}`)
  }

  slurp(args: readonly string[], options?: RunOptions): Promise<Ran> {
    return run('tableslurp', [...this.bucket.flags, '-t', '1', ...args], options)
  }
}

/** Paths of the files below a directory, with the SHA-256 of their content. */
export function tree(root: string): Record<string, string> {
  if (!existsSync(root)) return {}
  const paths = (readdirSync(root, { recursive: true }) as string[]).filter(path =>
    statSync(join(root, path)).isFile(),
  )
  return Object.fromEntries(paths.sort().map(path => [path, sha256(readFileSync(join(root, path)))]))
}

/** What the fixture has of files of a directory, as {@link tree} shows it. */
export function objects(directory: string, names: readonly string[], below = ''): Record<string, string> {
  return Object.fromEntries(
    [...names].sort().map(name => {
      const object = FIXTURE.find(({ key }) => key === `node1:${directory}/${name}`)
      return [join(below, name), sha256(Buffer.from(object?.bodyBase64 ?? '', 'base64'))]
    }),
  )
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
