import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import type { Test } from 'tap'

import { LocalS3, type LocalS3Options } from '../../dev/local-s3/index.js'
import type { Config } from '../../src/config/config.js'
import type { Logger } from '../../src/report/logger.js'
import type { Progress } from '../../src/report/progress.js'
import type { Scope } from '../../src/restore/read/scope.js'
import { restore } from '../../src/restore/restore.js'
import type { RestoreSummary } from '../../src/restore/summary.js'
import { S3Client } from '../../src/s3/client.js'
import { listObjects } from '../../src/s3/list.js'
import { metadataHeaders, putObject } from '../../src/s3/object.js'
import type { S3Settings } from '../../src/s3/settings.js'
import { Engine } from '../../src/transfer/pool/engine.js'

const CREDENTIALS = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }

const RETRY = { retries: 2, base: 1, cap: 10 }

function settingsOf(endpoint: string): S3Settings {
  return { endpoint, region: 'us-east-1', pathStyle: true, bucket: 'bucket' }
}

/** A table's directory on the node that was backed up. */
export const TABLE = '/var/lib/cassandra/data/ks1/t1-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

/** Components of a whole SSTable of Cassandra 4. */
export const COMPONENTS = [
  'CompressionInfo.db',
  'Data.db',
  'Digest.crc32',
  'Filter.db',
  'Index.db',
  'Statistics.db',
  'Summary.db',
  'TOC.txt',
]

/** Log lines as `level message`. */
export class LogLines implements Logger {
  readonly lines: string[] = []
  onLine: (line: string) => void = () => undefined
  debug = (message: string): void => this.#add('debug', message)
  info = (message: string): void => this.#add('info', message)
  warn = (message: string): void => this.#add('warn', message)
  error = (message: string): void => this.#add('error', message)

  #add(level: string, message: string): void {
    this.lines.push(`${level} ${message}`)
    this.onLine(message)
  }

  /** Lines that match. */
  like(pattern: RegExp): string[] {
    return this.lines.filter(line => pattern.test(line))
  }
}

/** What a run may be told. */
export interface RunOptions extends Partial<Config> {
  readonly target?: string
  readonly name?: string
  readonly signal?: AbortSignal
  readonly onLine?: (line: string) => void
  readonly scope?: Scope
  /** What is told how far the run is. */
  readonly follower?: Progress
}

/** A bucket, workers, and a directory to restore into. */
export class World {
  readonly directory: string
  readonly target: string
  readonly server: LocalS3
  /** What restores talk to. */
  readonly endpoint: string
  readonly client: S3Client
  engine: Engine
  readonly log = new LogLines()
  /** Added to the server's clock, ms. */
  shift = 0
  readonly #memory: number

  private constructor(directory: string, server: LocalS3, endpoint: string, memory: number) {
    this.directory = directory
    this.target = join(directory, 'target')
    this.server = server
    this.endpoint = endpoint
    this.#memory = memory
    const settings = settingsOf(endpoint)
    this.client = new S3Client({
      access: { settings, credentials: () => CREDENTIALS, retry: RETRY },
      lines: { connections: 4 },
    })
    this.engine = this.#makeEngine()
  }

  /** Gives up the workers, whatever they are doing, for new ones. */
  async renew(): Promise<void> {
    await this.engine.close()
    this.engine = this.#makeEngine()
  }

  #makeEngine(): Engine {
    return new Engine({
      access: { settings: settingsOf(this.endpoint), credentials: () => CREDENTIALS, retry: RETRY },
      budget: { threads: 2, memory: this.#memory },
      checksum: 'crc64nvme',
    })
  }

  /** @param options of the server; `memory` is the engine's, bytes; `via` gives another endpoint in front of the server */
  static async start(
    t: Test,
    options: Partial<LocalS3Options> & { memory?: number; via?: (server: LocalS3) => Promise<string> } = {},
  ): Promise<World> {
    const { memory = 32 * 1024 * 1024, via, ...rest } = options
    const directory = mkdtempSync(join(tmpdir(), 'tablesnap-restore-'))
    let shift = () => 0
    const server = await LocalS3.start({
      directory: join(directory, 's3'),
      now: () => Date.now() + shift(),
      ...rest,
    })
    const world = new World(
      directory,
      server,
      via === undefined ? server.endpoint : await via(server),
      memory,
    )
    shift = () => world.shift
    mkdirSync(world.target)
    await world.client.call({ operation: 'CreateBucket', method: 'PUT' })
    t.teardown(async () => {
      await world.engine.close()
      await world.client.close()
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    })
    return world
  }

  async put(
    key: string,
    body: string | Buffer,
    options: { metadata?: Record<string, string>; headers?: Record<string, string> } = {},
  ): Promise<void> {
    const headers = { ...options.headers, ...metadataHeaders(options.metadata ?? {}) }
    await putObject(this.client, key, { body: Buffer.from(body), headers: {} }, { headers, ifAbsent: false })
  }

  /** Empties bucket and target, for another test: workers cost more than this. */
  async reset(): Promise<this> {
    for await (const { key } of listObjects(this.client, { prefix: '' })) {
      await this.client.call({ operation: 'DeleteObject', method: 'DELETE', key })
    }
    this.server.faults.clear()
    rmSync(this.target, { recursive: true, force: true })
    mkdirSync(this.target)
    return this
  }

  /** Puts a whole SSTable. @returns its files' names */
  async putSet(
    set: string,
    options: { directory?: string; without?: readonly string[]; content?: string } = {},
  ): Promise<string[]> {
    const { directory = TABLE, without = [], content = 'content' } = options
    const names = COMPONENTS.map(component => `${set}-${component}`)
    for (const name of names) {
      if (without.some(component => name.endsWith(`-${component}`))) continue
      await this.put(`node1:${directory}/${name}`, `${content} of ${name}`)
    }
    return names
  }

  /** Puts a listing a second later than all before. */
  async list(dataName: string, names: readonly string[], directory = TABLE): Promise<void> {
    this.shift += 1100
    await this.put(`node1:${directory}/${dataName}-listdir.json`, JSON.stringify({ [directory]: names }))
  }

  async restore(options: RunOptions = {}): Promise<RestoreSummary> {
    const {
      target = this.target,
      name = 'node1',
      signal,
      scope,
      follower,
      onLine = () => undefined,
      ...rest
    } = options
    const { client, engine, log } = this
    log.lines.length = 0
    log.onLine = onLine
    return restore(
      { ...config(target), ...rest },
      { client, engine, node: { name }, log, signal, scope, progress: follower },
    )
  }

  /** Paths below the target with the SHA-256 of their content. */
  tree(root = this.target): Record<string, string> {
    const found: Record<string, string> = {}
    const walk = (path: string): void => {
      for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
        const below = `${path}/${entry.name}`
        if (entry.isDirectory()) walk(below)
        else if (entry.isFile()) found[below] = digest(readFileSync(join(root, below)))
        else found[below] = 'no file'
      }
    }
    walk('')
    return found
  }

  /** A file of the target that was there before. */
  write(path: string, content: string): string {
    const file = join(this.target, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    return file
  }
}

export function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Whether anything of ours is left in a directory. */
export function leftovers(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[]).filter(
    name => /\.tablesnap-restore/.test(name) && statSync(join(root, name)).isDirectory(),
  )
}

export function config(target: string): Config {
  return {
    mode: 'download',
    paths: [target],
    recursive: false,
    autoAdd: false,
    waitForPaths: false,
    filter: { exclude: [], include: [], snapshots: false, backups: false },
    listenEvents: [],
    settle: 1000,
    shutdownTimeout: 1000,
    index: true,
    deleteOnBackup: false,
    md5OnStart: false,
    name: 'node1',
    nameFrom: undefined,
    prefix: '',
    separator: ':',
    takeOver: false,
    engine: {
      threads: 2,
      memory: 1 << 26,
      maxUploadSize: undefined,
      chunkSize: undefined,
      maxRate: undefined,
      checksum: 'crc64nvme',
      retries: 2,
      retryTime: 0,
    },
    object: { storageClass: undefined, sse: undefined, kmsKeyId: undefined },
    s3: { endpoint: undefined, region: 'us-east-1', pathStyle: true, bucket: 'bucket' },
    credentials: undefined,
    all: false,
    at: undefined,
    atKey: undefined,
    only: { keyspaces: [], tables: [] },
    mapPaths: [],
    mapTables: [],
    list: undefined,
    limit: undefined,
    since: undefined,
    partial: false,
    replace: false,
    force: false,
    dryRun: false,
    logFormat: 'text',
    status: undefined,
    checkConfig: undefined,
    metricsListen: undefined,
    logLevel: 'info',
    progress: true,
  }
}
