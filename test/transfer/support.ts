import type { FileOutcome } from '../../src/backup/file-outcome.js'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Test } from 'tap'

import { LocalS3, type LocalS3Options, type RequestRecord } from '../../dev/local-s3/index.js'
import { OpenFiles } from '../../src/backup/open-files.js'
import { Uploader } from '../../src/backup/uploader.js'
import type { Config } from '../../src/config/config.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { S3Client } from '../../src/s3/client.js'
import { getObject, headObject, type ObjectInfo } from '../../src/s3/object.js'
import type { ChecksumKind, ObjectSettings, S3Settings } from '../../src/s3/settings.js'
import { TableFiles } from '../../src/tables/table-files.js'
import { PartUploads } from '../../src/transfer/part-uploads.js'
import { Engine, type ServerListener } from '../../src/transfer/pool/engine.js'
import { LogLines, config } from '../restore/support.js'
import { CREDENTIALS, FAST, settingsOf } from '../s3/support.js'

export const MEBIBYTE = 1024 * 1024

export interface YardOptions {
  readonly checksum?: ChecksumKind
  readonly threads?: number
  /** Of the engine, bytes. */
  readonly memory?: number
  /** Bytes per second. */
  readonly maxRate?: number
  readonly maxUploadSize?: number
  readonly chunkSize?: number
  readonly md5OnStart?: boolean
  readonly object?: Partial<ObjectSettings>
  readonly retries?: number
  /** Another endpoint in front of the embedded server, or instead of it. */
  readonly endpoint?: string
  readonly bucket?: string
}

/** Keeps what the operator is told of the server. */
class NoteTaker implements ServerListener {
  readonly #notes: string[]

  constructor(notes: string[]) {
    this.#notes = notes
  }

  onNote(text: string): void {
    this.#notes.push(text)
  }

  onSilence(): void {}
  onReturn(): void {}
  onRetry(): void {}
  onRequests(): void {}
  onSent(): void {}
}

/** The real upload engine over a directory of files, and the bucket behind it. */
export class Yard {
  readonly log = new LogLines()
  /** What the operator was told of the server. */
  readonly notes: string[] = []
  readonly client: S3Client
  readonly engine: Engine
  readonly abort = new AbortController()
  readonly #keys = new KeyLayout('', 'node1', ':')
  readonly #uploader: Uploader

  private constructor(
    readonly server: LocalS3 | undefined,
    readonly directory: string,
    settings: S3Settings,
    options: YardOptions,
  ) {
    const { checksum = 'crc64nvme', threads = 1, memory = 64 * MEBIBYTE, maxRate } = options
    const retry = { ...FAST, retries: options.retries ?? FAST.retries }
    const access = { settings, credentials: () => CREDENTIALS, retry }
    this.client = new S3Client({ access, lines: { connections: 4 } })
    const listener = new NoteTaker(this.notes)
    this.engine = new Engine({ access, budget: { threads, memory, maxRate }, checksum, listener })
    const basis = config(directory)
    const { maxUploadSize, chunkSize } = options
    const own: Config = {
      ...basis,
      mode: 'backup',
      md5OnStart: options.md5OnStart ?? false,
      engine: { ...basis.engine, checksum, threads, memory, maxUploadSize, chunkSize },
      object: { ...basis.object, ...options.object },
    }
    const { client, engine, log } = this
    this.#uploader = new Uploader(
      { config: own, client, engine, keys: this.#keys, log, signal: this.abort.signal },
      new PartUploads(own, client, engine),
      { originalOf: () => undefined, reservedFor: () => undefined, knownIn: () => undefined },
    )
  }

  /** Starts a server and an engine; both end with the test. */
  static async start(
    t: Test,
    options: YardOptions & { server?: Partial<LocalS3Options> } = {},
  ): Promise<Yard> {
    const directory = mkdtempSync(join(tmpdir(), 'tablesnap-upload-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    const server = await LocalS3.start({ directory: join(directory, 's3'), ...options.server })
    t.teardown(() => server.close())
    return new Yard(server, directory, settingsOf(server.endpoint), options).#open(t)
  }

  /** Another engine, as of another process, over the same files and the same bucket. */
  async again(t: Test, options: YardOptions = {}): Promise<Yard> {
    const endpoint = options.endpoint ?? this.client.settings.endpoint ?? ''
    const bucket = options.bucket ?? this.client.settings.bucket
    return new Yard(this.server, this.directory, settingsOf(endpoint, { bucket }), options).#open(t)
  }

  /** An engine in front of another server. */
  static async at(t: Test, endpoint: string, options: YardOptions = {}): Promise<Yard> {
    const directory = mkdtempSync(join(tmpdir(), 'tablesnap-upload-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    const settings = settingsOf(endpoint, { bucket: options.bucket ?? 'bucket' })
    return new Yard(undefined, directory, settings, options).#open(t)
  }

  async #open(t: Test): Promise<this> {
    t.teardown(async () => {
      await this.engine.close()
      await this.client.close()
    })
    await ensureBucket(this.client, true)
    if (this.server !== undefined) this.server.requests.length = 0
    return this
  }

  /** Writes a file. @param content bytes, or how many random ones */
  write(name: string, content: Buffer | number): Buffer {
    const bytes = typeof content === 'number' ? randomBytes(content) : content
    mkdirSync(join(this.directory, 'data'), { recursive: true })
    writeFileSync(this.path(name), bytes)
    return bytes
  }

  path(name: string): string {
    return join(this.directory, 'data', name)
  }

  key(name: string): string {
    return this.#keys.file(this.path(name))
  }

  /** The key of other content under the same name. @param crc64 16 hex digits */
  versionKey(name: string, crc64: string): string {
    return `${this.#keys.versionStem(this.path(name))}~${crc64}`
  }

  /** Uploads files as one set, all of them held open meanwhile. */
  async upload(...names: string[]): Promise<FileOutcome[]> {
    const directory = join(this.directory, 'data')
    const files = new TableFiles(directory, 'set', true, '', 0)
    const ready = { files, names, durable: new Map(), isUntouched: false }
    const open = new OpenFiles(ready)
    try {
      const outcomes = await this.#uploader.upload(open, ready, this.abort.signal)
      return outcomes.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
    } finally {
      open.close()
    }
  }

  /** Uploads one file. */
  async one(name: string): Promise<FileOutcome> {
    const [outcome] = await this.upload(name)
    return outcome!
  }

  async get(key: string): Promise<Buffer> {
    return (await getObject(this.client, key)).body
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    return headObject(this.client, key)
  }

  /** The server's records of an operation, or all. */
  requests(operation?: string): RequestRecord[] {
    const all = this.server?.requests ?? []
    return operation === undefined ? [...all] : all.filter(record => record.operation === operation)
  }

  /** How often each operation was asked for since {@link forget}. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { operation } of this.requests()) counts[operation] = (counts[operation] ?? 0) + 1
    return counts
  }

  forget(): void {
    if (this.server !== undefined) this.server.requests.length = 0
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64')
}

export function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex')
}
