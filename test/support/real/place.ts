import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Bucket } from './bucket.js'
import { Versitygw, type VersitygwOptions } from './versitygw.js'

interface Test {
  passing(): boolean
  teardown(action: () => Promise<void> | void): void
}

/** A directory that goes away with the test; with EVIDENCE set that of a failed test stays. */
export function temporaryDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'tablesnap-real-'))
  t.teardown(() => {
    if (t.passing() || process.env['EVIDENCE'] === undefined)
      rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** A server that stops with the test. */
export async function gateway(
  t: Test,
  options: Omit<VersitygwOptions, 'directory'> = {},
): Promise<Versitygw> {
  const server = await Versitygw.start({ directory: temporaryDirectory(t), ...options })
  t.teardown(() => server.stop())
  return server
}

/** The tests' own view of a bucket of the server. */
export function bucketOf(server: Versitygw, name: string): Bucket {
  const { endpoint, accessKeyId, secretAccessKey, region, ca } = server
  return new Bucket({ endpoint, bucket: name, accessKeyId, secretAccessKey, region, ca })
}
