import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { cached } from './cache.js'
import { freePorts, loopbackAddress } from './loopback.js'
import { ServerProcess } from './server-process.js'
import type { Way } from './tablesnap.js'

/** How a server is started in a directory of its own. */
interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** An S3 server that other people made. */
export interface OtherServer {
  readonly name: string
  /** Its directory in CI's cache: `.ci/install` makes it. */
  readonly cache: string
  /** The keys that it takes; some have one pair that is built in. */
  readonly keys: Pick<Way, 'accessKeyId' | 'secretAccessKey'>
  /** Ports that it needs; the first is that of S3. */
  readonly ports: number
  launch(address: string, ports: readonly number[], directory: string): Launch
}

const KEYS = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }

/** Time for a JVM to start on a busy machine, ms. */
const PATIENCE = 180_000

/** The class path of a directory of jars. */
function classPath(cache: string): string {
  return join(cached(cache), '*')
}

export const OTHER_SERVERS: readonly OtherServer[] = [
  {
    name: 'S3Proxy 2.6.0',
    cache: 's3proxy-2.6.0',
    keys: KEYS,
    ports: 1,
    launch: (address, [port], directory) => {
      const data = join(directory, 'data')
      mkdirSync(data)
      const properties = join(directory, 's3proxy.properties')
      const lines = [
        `s3proxy.endpoint=http://${address}:${port}`,
        's3proxy.authorization=aws-v2-or-v4',
        `s3proxy.identity=${KEYS.accessKeyId}`,
        `s3proxy.credential=${KEYS.secretAccessKey}`,
        'jclouds.provider=filesystem-nio2',
        'jclouds.identity=none',
        'jclouds.credential=none',
        `jclouds.filesystem.basedir=${data}`,
      ]
      writeFileSync(properties, `${lines.join('\n')}\n`)
      const main = ['org.gaul.s3proxy.Main', '--properties', properties]
      return { command: 'java', args: ['-cp', classPath('s3proxy-2.6.0'), ...main] }
    },
  },
  {
    name: 'S3Mock 4.7.0',
    cache: 's3mock-4.7.0',
    keys: KEYS,
    ports: 2,
    launch: (address, [port, other], directory) => ({
      command: 'java',
      args: [
        `-Dhttp.port=${port}`,
        `-Dserver.port=${other}`,
        `-Dserver.address=${address}`,
        ...['-cp', classPath('s3mock-4.7.0'), 'com.adobe.testing.s3mock.S3MockApplication'],
      ],
      env: {
        COM_ADOBE_TESTING_S3MOCK_STORE_ROOT: join(directory, 'data'),
        COM_ADOBE_TESTING_S3MOCK_DOMAIN_ROOT: join(directory, 'data'),
      },
    }),
  },
  {
    name: 'SeaweedFS 7506e5f91cd6',
    cache: 'seaweedfs-7506e5f91cd6',
    keys: KEYS,
    ports: 4,
    launch: (address, [s3, master, volume, filer], directory) => {
      const config = join(directory, 's3.json')
      const credentials = [{ accessKey: KEYS.accessKeyId, secretKey: KEYS.secretAccessKey }]
      const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging']
      writeFileSync(config, JSON.stringify({ identities: [{ name: 'test', credentials, actions }] }))
      return {
        command: cached('seaweedfs-7506e5f91cd6', 'weed'),
        args: [
          ...[
            'server',
            `-dir=${directory}`,
            `-ip=${address}`,
            `-ip.bind=${address}`,
            '-s3',
            `-s3.port=${s3}`,
          ],
          ...[`-s3.config=${config}`, `-master.port=${master}`, `-volume.port=${volume}`],
          ...[`-filer.port=${filer}`, '-volume.max=20', '-master.volumeSizeLimitMB=64'],
        ],
      }
    },
  },
  {
    name: 'moto 5.2.5',
    cache: 'moto-5.2.5',
    keys: KEYS,
    ports: 1,
    launch: (address, [port]) => ({
      command: cached('moto-5.2.5', 'bin', 'python'),
      args: ['-c', 'from moto.server import main; main()', '-H', address, '-p', String(port)],
    }),
  },
  {
    name: 's3rver 3.7.1',
    cache: 's3rver-3.7.1',
    keys: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    ports: 1,
    launch: (address, [port], directory) => ({
      command: process.execPath,
      args: [
        cached('s3rver-3.7.1', 'node_modules', 's3rver', 'bin', 's3rver.js'),
        ...['-d', join(directory, 'data'), '-a', address, '-p', String(port), '--silent'],
      ],
    }),
  },
]

/** Servers that cannot be had from the package registries, and why. */
export const NOT_TO_BE_HAD: Readonly<Record<string, string>> = {
  MinIO: 'the Go module proxy does not give out github.com/minio/minio; s3rver is tried in its place',
}

/** Starts a server; whoever starts it stops it. */
export async function startOther(
  server: OtherServer,
  directory: string,
): Promise<Way & { process: ServerProcess }> {
  const address = loopbackAddress()
  const ports = await freePorts(address, server.ports)
  const { command, args, env } = server.launch(address, ports, directory)
  const process_ = await ServerProcess.spawn({
    command,
    args,
    env: { PATH: process.env['PATH'], HOME: directory, TMPDIR: directory, ...env },
    cwd: directory,
    log: join(directory, 'server.log'),
  })
  const endpoint = `http://${address}:${ports[0]}`
  await process_.until(`answer of ${server.name}`, PATIENCE, async () => {
    const answer = await fetch(endpoint).catch(() => undefined)
    await answer?.arrayBuffer()
    return answer
  })
  return { endpoint, ...server.keys, process: process_ }
}

/** Whether a server was installed. */
export function isInstalled({ cache }: OtherServer): boolean {
  try {
    return readdirSync(cached(cache)).length > 0
  } catch {
    return false
  }
}
