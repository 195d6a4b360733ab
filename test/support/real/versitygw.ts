import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cache.js'
import { selfSigned } from './certificate.js'
import { freePorts, loopbackAddress } from './loopback.js'
import { ServerProcess } from './server-process.js'

export interface VersitygwOptions {
  /** Where objects, versions, the certificate and the log go. */
  readonly directory: string
  readonly tls?: boolean
  /** Requests in flight beyond this number get 503 SlowDown. */
  readonly maxRequests?: number
}

/** A versitygw on a loopback address of its own, with the bucket name also as a host of `localhost`. */
export class Versitygw {
  static readonly version = 'v1.8.0'
  readonly accessKeyId = 'testkey'
  readonly secretAccessKey = 'testsecret'
  readonly region = 'us-east-1'

  private constructor(
    readonly endpoint: string,
    /** The certificate to trust, when the endpoint is https. */
    readonly caFile: string | undefined,
    readonly process: ServerProcess,
  ) {}

  /** Starts a server and waits until it listens. */
  static async start(options: VersitygwOptions): Promise<Versitygw> {
    const [data, versions] = ['data', 'versions'].map(name => join(options.directory, name)) as [
      string,
      string,
    ]
    for (const directory of [data, versions]) mkdirSync(directory, { recursive: true })
    const address = loopbackAddress()
    const [port] = (await freePorts(address, 1)) as [number]
    const certificate = options.tls === true ? await selfSigned(options.directory, address) : undefined
    const server = await ServerProcess.spawn({
      command: cached(`versitygw-${Versitygw.version}`, 'versitygw'),
      args: [
        ...['--keep-alive', '--quiet', '--vd', 'localhost', '-p', `${address}:${port}`],
        ...(certificate === undefined ? [] : ['--cert', certificate.cert, '--key', certificate.key]),
        ...(options.maxRequests === undefined ? [] : ['--mr', String(options.maxRequests)]),
        ...['posix', '--versioning-dir', versions, data],
      ],
      env: { PATH: process.env['PATH'], ROOT_ACCESS_KEY: 'testkey', ROOT_SECRET_KEY: 'testsecret' },
      cwd: options.directory,
      log: join(options.directory, 'versitygw.log'),
    })
    await server.listening(address, port, 15_000)
    const scheme = certificate === undefined ? 'http' : 'https'
    return new Versitygw(`${scheme}://${address}:${port}`, certificate?.cert, server)
  }

  /** The certificate's text, when the endpoint is https. */
  get ca(): string | undefined {
    return this.caFile === undefined ? undefined : readFileSync(this.caFile, 'utf8')
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    await this.process.stop('SIGTERM', 20_000)
  }
}
