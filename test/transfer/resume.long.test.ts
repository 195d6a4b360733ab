import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'
import { crc64nvme } from 'tablesnap-io'

import { S3Client } from '../../src/s3/client.js'
import { headObject } from '../../src/s3/object.js'
import { settingsOf } from '../s3/support.js'
import { Cli } from '../support/cli.js'

const MEBIBYTE = 1024 * 1024
const SIZE = 5 * 1024 * MEBIBYTE

/** Bytes that a process has written, to sockets as well; undefined once it is gone. */
function written(pid: number): number | undefined {
  try {
    return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

function checksum(path: string): bigint {
  const fd = openSync(path, 'r')
  const piece = Buffer.alloc(4 * MEBIBYTE)
  let crc = 0n
  for (;;) {
    const count = readSync(fd, piece)
    if (count === 0) break
    crc = crc64nvme(piece.subarray(0, count), crc)
  }
  closeSync(fd)
  return crc
}

await t.test('killed at 80 % of 5 GiB, the next run sends the rest', { timeout: 1_200_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tablesnap-resume-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)), [join(directory, 's3')])
  t.teardown(async () => {
    server.disconnect()
    await once(server, 'exit')
  })
  const [endpoint] = (await once(server, 'message')) as [string]
  const source = join(directory, 'source')
  const path = join(source, 'file')
  mkdirSync(source)
  writeFileSync(path, 'x')
  truncateSync(path, SIZE)

  /** Runs until the end, or until so much is sent. @returns bytes that were sent */
  const run = async (limit: number): Promise<number> => {
    const cli = new Cli([
      ...['-k', 'testkey', '-s', 'testsecret', '--endpoint-url', endpoint, '-n', 'node1'],
      ...['-B', 'bucket', source],
    ])
    let sent = 0
    const watch = setInterval(() => {
      sent = Math.max(sent, written(cli.child.pid ?? 0) ?? 0)
      if (sent > limit) cli.kill('SIGKILL')
    }, 10)
    const code = await cli.exit
    clearInterval(watch)
    t.equal(code, limit === Infinity ? 0 : 'SIGKILL', cli.stderr)
    return sent
  }
  const first = await run(0.8 * SIZE)
  t.ok(first < 0.85 * SIZE, `killed after ${Math.round(first / MEBIBYTE)} MiB`)
  const second = await run(Infinity)
  t.ok(second > 0 && second <= 0.25 * SIZE, `${Math.round(second / MEBIBYTE)} MiB in the second run`)
  const settings = settingsOf(endpoint)
  const credentials = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }
  const client = new S3Client({
    access: { settings, credentials: () => credentials },
    lines: { connections: 1 },
  })
  const object = await headObject(client, `node1:${path}`)
  await client.close()
  t.equal(object?.size, SIZE)
  t.equal(object?.checksums.crc64nvme, checksum(path))
})
