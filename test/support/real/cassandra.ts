import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache.js'
import {
  cassandraYaml,
  daemonArguments,
  logbackXml,
  nodetoolArguments,
  type NodeSettings,
} from './cassandra-settings.js'
import { freePorts, loopbackAddress } from './loopback.js'
import { ServerProcess } from './server-process.js'

export interface CassandraOptions {
  readonly home: string
  readonly version: string
  readonly format: string | undefined
  /** How many data directories it has; 1 by default. */
  readonly dataDirectories?: number
  /** A node whose cluster it joins; by default it is one of its own. */
  readonly joins?: Cassandra
  /** More of cassandra.yaml. */
  readonly yaml?: Readonly<Record<string, unknown>>
}

const javaHome = process.env['JAVA_HOME'] ?? ''
const java = javaHome === '' ? 'java' : join(javaHome, 'bin', 'java')

/** A Cassandra node from the jars of Maven Central, on a loopback address of its own. */
export class Cassandra {
  readonly #settings: NodeSettings
  #process: ServerProcess | undefined

  private constructor(settings: NodeSettings) {
    this.#settings = settings
  }

  /** Writes the node's configuration; nothing runs yet. */
  static async create(options: CassandraOptions): Promise<Cassandra> {
    const { home, joins, dataDirectories: count = 1, yaml = {} } = options
    for (const name of ['conf', 'logs', 'tmp']) mkdirSync(join(home, name), { recursive: true })
    const dataDirectories = Array.from({ length: count }, (_, i) =>
      join(home, i === 0 ? 'data' : `data${i + 1}`),
    )
    for (const directory of dataDirectories) mkdirSync(directory, { recursive: true })
    const address = loopbackAddress()
    const [cqlPort, storagePort] = (await freePorts(address, 2)) as [number, number]
    const [jmxPort] = (await freePorts('127.0.0.1', 1)) as [number]
    const settings: NodeSettings = {
      home,
      jars: cached(`cassandra-${options.version}`),
      address,
      cqlPort,
      storagePort,
      jmxPort,
      format: options.format,
      dataDirectories,
      seed: joins === undefined ? `${address}:${storagePort}` : joins.#settings.seed,
      yaml,
    }
    writeFileSync(join(home, 'conf', 'cassandra.yaml'), cassandraYaml(settings))
    writeFileSync(join(home, 'conf', 'logback.xml'), logbackXml(join(home, 'logs', 'system.log')))
    writeFileSync(join(home, 'conf', 'logback-tools.xml'), logbackXml(undefined))
    return new Cassandra(settings)
  }

  /** Where CQL answers. */
  get contact(): { readonly address: string; readonly port: number } {
    return { address: this.#settings.address, port: this.#settings.cqlPort }
  }

  get dataDirectory(): string {
    return join(this.#settings.home, 'data')
  }

  get dataDirectories(): readonly string[] {
    return this.#settings.dataDirectories
  }

  get commitlogDirectory(): string {
    return join(this.#settings.home, 'commitlog')
  }

  /** The directory of a table that was created once and never dropped. */
  tableDirectory(keyspace: string, table: string): string {
    const parent = join(this.dataDirectory, keyspace)
    const names = readdirSync(parent).filter(name => name.startsWith(`${table}-`))
    if (names.length !== 1) throw new Error(`${names.length} directories of ${keyspace}.${table}`)
    return join(parent, names[0] ?? '')
  }

  /** Starts the node and waits until CQL can be reached. */
  async start(): Promise<void> {
    const { home, address, cqlPort } = this.#settings
    this.#process = await ServerProcess.spawn({
      command: java,
      args: daemonArguments(this.#settings),
      env: { PATH: process.env['PATH'], HOME: home },
      cwd: home,
      log: join(home, 'logs', 'stdout.log'),
    })
    await this.#process.listening(address, cqlPort, 600_000)
  }

  /** Whether the node was started and has not ended since. */
  get isRunning(): boolean {
    return this.#process?.running === true
  }

  /** Runs nodetool and gives what it printed. */
  async nodetool(...args: readonly string[]): Promise<string> {
    const { home } = this.#settings
    const { stdout } = await promisify(execFile)(java, nodetoolArguments(this.#settings, args), {
      env: { PATH: process.env['PATH'], HOME: home },
      cwd: home,
      timeout: 180_000,
    })
    return stdout
  }

  /** Stops the node in order: it flushes all tables first. */
  async stop(): Promise<void> {
    await this.#process?.stop('SIGTERM', 120_000)
    this.#process = undefined
  }

  /** Kills the node without a last word. */
  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL', 20_000)
    this.#process = undefined
  }
}
