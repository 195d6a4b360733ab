import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'

import { Backup } from '../src/backup/backup.js'
import { start } from '../src/cli/options.js'
import type { Config } from '../src/config/config.js'
import { errorMessage } from '../src/errors.js'
import { formatBytes } from '../src/report/format.js'
import { createLogger } from '../src/report/log.js'
import { restore } from '../src/restore/restore.js'
import { openSession } from '../src/session.js'

import { LEGACY_FILES, MODERN_FILES, writeLegacy, writeModern } from './demo-load.js'
import { LocalS3 } from './local-s3/local-s3.js'

const MEBIBYTE = 1024 * 1024

/** Generations written beside each other, with the bytes of their Data.db; the largest goes up in parts. */
const LOAD = [256 * 1024, 3 * MEBIBYTE, 40 * MEBIBYTE]

/** Files by path, with their SHA-256 in hex. */
type Digests = Map<string, string>

/**
 * Shows the main job on this machine alone: an embedded S3 server, a load written as Cassandra writes, live upload, then
 * a wiped table, a restore and a comparison byte for byte.
 * @returns the exit code
 */
export async function demo(): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), 'tablesnap-demo-'))
  try {
    return await run(root)
  } catch (error) {
    say(`The demo failed: ${errorMessage(error)}`)
    return 1
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function run(root: string): Promise<number> {
  const began = performance.now()
  const server = await LocalS3.start({ directory: join(root, 's3') })
  const data = join(root, 'data')
  try {
    say(`An S3 server listens on ${server.endpoint}; Cassandra's data directory is ${data}`)
    heading('1. Watch and upload')
    await mkdir(data)
    const { uploaded, bytes } = await upload(server.endpoint, data)
    const before = await digest(data)

    heading('2. Wipe the tables')
    await rm(data, { recursive: true })
    say(`Removed ${before.size} files below ${data}`)

    heading('3. Restore')
    const failed = await download(server.endpoint, data)

    heading('4. Verify')
    const wrong = compare(before, await digest(data))
    for (const path of wrong) say(`DIFFERS ${path}`)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    say(`${before.size - wrong.length} of ${before.size} files came back byte for byte (SHA-256)`)
    say(
      `uploaded ${uploaded} files, ${formatBytes(bytes)}; restored ${before.size - wrong.length}; ${seconds} s in all`,
    )
    say('every body was sent with its CRC-64/NVME, checked by the server, and checked again on the way back')
    return failed || wrong.length > 0 ? 1 : 0
  } finally {
    await server.close()
  }
}

async function upload(endpoint: string, data: string): Promise<{ uploaded: number; bytes: number }> {
  const session = await openSession(configOf(endpoint, ['-r', '-a', '-B', '--watch', 'demo', data]), logger())
  try {
    const backup = new Backup(session)
    await backup.start()
    const modern = join(data, 'demo', 'events-0a1b2c3d4e5f60718293a4b5c6d7e8f9')
    const legacy = join(data, 'demo', 'users')
    for (const [index, bytes] of LOAD.entries()) {
      await writeModern(modern, index + 1, bytes)
      await writeLegacy(legacy, 'users', index + 1, bytes)
    }
    const expected = LOAD.length * (MODERN_FILES + LEGACY_FILES)
    await until(() => backup.summary.uploaded >= expected || backup.failures > 0)
    await backup.drain(60_000)
    if (backup.failures > 0) throw new Error(`${backup.failures} files could not be uploaded`)
    return backup.summary
  } finally {
    await session.close()
  }
}

async function download(endpoint: string, data: string): Promise<boolean> {
  const session = await openSession(configOf(endpoint, ['-D', 'demo', '/']), logger())
  try {
    await mkdir(data)
    const { exitCode } = await restore(session.config, session)
    return exitCode !== 0
  } finally {
    await session.close()
  }
}

function configOf(endpoint: string, argv: readonly string[]): Config {
  const keys = ['-k', 'testkey', '-s', 'testsecret']
  const all = [...keys, '--endpoint-url', endpoint, '-n', 'demo-node', '--settle', '500', ...argv]
  const begun = start(all, { env: {}, cwd: '/', home: undefined })
  if (begun.action !== 'run') throw new Error('unreachable')
  return begun.config
}

function logger(): ReturnType<typeof createLogger> {
  return createLogger({ format: 'text' }, line => process.stdout.write(`   ${line}`))
}

/** Waits for something to be so, a minute at most. */
async function until(done: () => boolean): Promise<void> {
  const end = performance.now() + 60_000
  while (!done()) {
    if (performance.now() > end) throw new Error('not all files were uploaded within a minute')
    await setTimeout(50)
  }
}

/** SHA-256 of every file below a directory, by its path from there. */
async function digest(directory: string): Promise<Digests> {
  const digests: Digests = new Map()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    digests.set(path.slice(directory.length), hash.digest('hex'))
  }
  return digests
}

/** Paths that are not in both, or not the same. */
function compare(before: Digests, after: Digests): string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter(path => before.get(path) !== after.get(path))
}

function heading(text: string): void {
  say(`\n${text}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
