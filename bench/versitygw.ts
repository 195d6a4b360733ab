import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { crc64nvme } from 'tablesnap-io'

import { S3Client } from '../src/s3/client.js'
import { encode64 } from '../src/s3/checksum.js'
import { isS3Error } from '../src/s3/errors.js'
import { headObject, putObject } from '../src/s3/object.js'
import { ownKey, type Job } from './clients/client.js'
import { tablesnap } from './clients/tablesnap.js'
import { bigTable } from './data.js'
import { BenchFailure } from './failure.js'
import { MIB } from './figure.js'
import { launch } from './launch.js'
import { versitygwBinary } from './places.js'

const KEYS = { accessKeyId: 'benchmark', secretAccessKey: 'benchmark' } as const

/**
 * One untimed upload to versitygw by the same build: the server must hold the CRC-64/NVME that is right, and refuse a wrong one.
 * @param folder for the server's data
 * @returns what was found, in a sentence
 * @throws BenchFailure when the checksum is not the one it verifies
 */
export async function proof(folder: string): Promise<string> {
  const binary = versitygwBinary()
  if (!existsSync(binary)) return 'not checked against versitygw, which is not here: .ci/install versitygw'
  const [data, versions, scratch] = ['data', 'versions', 'scratch'].map(name => join(folder, name))
  if (data === undefined || versions === undefined || scratch === undefined) throw new RangeError(folder)
  for (const path of [data, versions, scratch]) mkdirSync(path, { recursive: true })
  const port = await freePort()
  const args = [
    '--keep-alive',
    '--quiet',
    '-p',
    `127.0.0.1:${port}`,
    'posix',
    '--versioning-dir',
    versions,
    data,
  ]
  const server = spawn(binary, args, {
    env: { PATH: '/usr/bin:/bin', ROOT_ACCESS_KEY: KEYS.accessKeyId, ROOT_SECRET_KEY: KEYS.secretAccessKey },
    stdio: 'ignore',
  })
  const exit = once(server, 'exit')
  try {
    return await check(`http://127.0.0.1:${port}`, join(folder, 'ks', 't'), scratch)
  } finally {
    server.kill()
    await exit
  }
}

async function check(endpoint: string, table: string, scratch: string): Promise<string> {
  const bucket = 'bench'
  const client = new S3Client({
    access: { settings: { endpoint, region: 'us-east-1', pathStyle: true, bucket }, credentials: () => KEYS },
    lines: { connections: 1 },
  })
  try {
    await listening(endpoint)
    // Three parts, the last of them a short one.
    const source = bigTable(table, 20 * MIB)
    const credentials = { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey }
    const target = { endpoint, bucket, region: 'us-east-1', ca: undefined, credentials }
    const job: Job = { target, prefix: '', node: 'bench', source, into: scratch, scratch, signed: false }
    const command = tablesnap().command('file', job)
    if (command !== undefined) await launch(command, scratch)
    const object = await headObject(client, ownKey(job))
    const expected = crc64nvme(readFileSync(source))
    if (object?.checksums.type !== 'FULL_OBJECT' || object.checksums.crc64nvme !== expected)
      throw new BenchFailure('versitygw does not hold the CRC-64/NVME of what was uploaded')
    const body = randomBytes(1000)
    const wrong = { 'x-amz-checksum-crc64nvme': encode64(crc64nvme(body) ^ 1n) }
    const refused = await putObject(
      client,
      'wrong',
      { body, headers: wrong },
      { headers: {}, ifAbsent: false },
    ).then(
      () => false,
      (error: unknown) => isS3Error(error, 400),
    )
    if (!refused) throw new BenchFailure('versitygw takes a body with a wrong x-amz-checksum-crc64nvme')
    return 'versitygw verified the same build’s checksum header (CRC-64/NVME of the full object) and refuses a wrong one'
  } finally {
    await client.close()
  }
}

async function listening(endpoint: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const up = await fetch(endpoint).then(
      () => true,
      () => false,
    )
    if (up) return
    await setTimeout(50)
  }
  throw new BenchFailure('versitygw does not start')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
