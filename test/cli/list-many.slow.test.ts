import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import t from 'tap'

import { LocalS3 } from '../../dev/local-s3/index.js'
import { parseStateKey } from '../../src/manifest/keys.js'
import { S3Client } from '../../src/s3/client.js'
import { KEYS, at, state, write } from '../restore/states.js'

const TABLES = 50
const POINTS = 500
const MINUTE = 60_000

/** CPU-s that --list may take: 1.5 on a quiet machine, and twice that where the processors are shared. */
const MOST_CPU = 3

const LIST = fileURLToPath(new URL('../../bin/tablesnap.js', import.meta.url))

function unitOf(table: number): string {
  return `ks/t${table}-${String(table).padStart(32, '0')}`
}

/** The file in which the server keeps an object's record. */
function recordPath(bucket: string, key: string): string {
  return join(bucket, 'objects', `${createHash('sha256').update(key).digest('hex')}.json`)
}

/** Gives each table of a server that does not run so many manifests as its newest one has copies, a minute apart. */
function multiply(bucket: string, newest: readonly string[]): void {
  const root = KEYS.states('')
  for (const key of newest) {
    const { unit, time, facts } = parseStateKey(key.slice(root.length)) ?? {
      unit: '',
      time: 0,
      facts: undefined,
    }
    const record = JSON.parse(readFileSync(recordPath(bucket, key), 'utf8')) as object
    for (let point = 1; point < POINTS; point++) {
      const copy = KEYS.state(unit, time - point * MINUTE, facts)
      writeFileSync(recordPath(bucket, copy), JSON.stringify({ ...record, key: copy }))
    }
  }
}

await t.test(`--list of ${TABLES} tables with ${POINTS} restore points each`, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tablesnap-list-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const first = await LocalS3.start({ directory })
  const settings = { endpoint: first.endpoint, region: 'us-east-1', pathStyle: true, bucket: 'bucket' }
  const client = new S3Client({
    access: { settings, credentials: () => ({ accessKeyId: 'testkey', secretAccessKey: 'testsecret' }) },
    lines: { connections: 1 },
  })
  await client.call({ operation: 'CreateBucket', method: 'PUT' })
  const states = Array.from({ length: TABLES }, (_, table) => state(at(0), [], { unit: unitOf(table) }))
  const newest = await write(client, 'node1', ...states)
  await client.close()
  await first.close()
  multiply(join(directory, 'buckets', 'bucket'), newest)
  const server = await LocalS3.start({ directory })
  t.teardown(() => server.close())

  const flags = ['-k', 'testkey', '-s', 'testsecret', '--endpoint-url', server.endpoint, '-n', 'node1']
  // The shell's `times` tells the CPU time of its children in its second line: `0m0.512s 0m0.064s`.
  const script = '"$@"; times'
  const command = [process.execPath, LIST, ...flags, '--list', 'bucket']
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', TABLESNAP_CONF: '/dev/null' }
  const began = performance.now()
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, 'sh', ...command], { env })
  const seconds = (performance.now() - began) / 1000
  const lines = stdout.trimEnd().split('\n')
  const cpu = secondsOf(lines.at(-1) ?? '')
  t.match(lines.at(-3), /^50 tables and other directories, 25000 restore points \(25000 complete\)/)
  t.equal(lines.filter(line => line.startsWith('ks.t')).length, TABLES)
  t.ok(cpu < MOST_CPU, `${cpu} s of CPU time`)
  t.comment(`${seconds.toFixed(2)} s, ${cpu.toFixed(2)} s of CPU time, ${server.requests.length} requests`)
})

/** User and system time of a line of `times` together. */
function secondsOf(line: string): number {
  return line
    .split(' ')
    .map(one => /^(\d+)m([\d.]+)s$/.exec(one))
    .reduce((sum, found) => sum + Number(found?.[1] ?? NaN) * 60 + Number(found?.[2] ?? NaN), 0)
}
