import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'

import type { Config } from '../config/config.js'
import type { Writer } from '../config/writer.js'
import { TablesnapError, errorCode } from '../errors.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { getObject, putObject, storageHeaders } from '../s3/object.js'
import type { Epoch } from '../state/epochs.js'
import type { KeyLayout } from '../state/keys.js'
import { checkSeparator } from '../state/separator.js'

import { epochsOf, kinship, parseRecord, volumesTogether, type NodeRecord } from './node-record.js'

/** The term of a writer: since when the name is its own. */
type Tenure = Pick<NodeRecord, 'epoch' | 'since' | 'volumes'> & { readonly epochs: readonly Epoch[] }

/** How a fence is set. */
export interface FenceOptions {
  readonly config: Config
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly name: string
  readonly writer: Writer
  /** Whether the name is taken from whoever writes under it now. */
  readonly takeOver: boolean
  /** Whether only one such process may run on the machine: a daemon. */
  readonly alone: boolean
  /** The server's clock, ms. */
  readonly clock: () => number
  readonly log: Logger
}

/** How old the last look at `node.json` may be when a state is written, ms. */
const FRESH = 60_000

/** Lets one machine at a time write under a node's name. */
export class Fence {
  /** Repeated in every state. */
  epoch = 1
  /** When this program first wrote under the name, ms of the server's clock; Infinity before the name is claimed. */
  since = Infinity
  /** When each epoch began, as far as it is known. */
  epochs: readonly Epoch[] = []
  /** The volumes by which the record knows this writer. */
  volumes: readonly string[] = []
  /** Whether this run took the name over. */
  tookOver = false
  readonly #options: FenceOptions
  #looked = -Infinity
  #lock: Server | undefined

  constructor(options: FenceOptions) {
    this.#options = options
  }

  /** Takes the name, if it is free or ours. @throws TablesnapError `FENCED`, `SEPARATOR_CHANGED`; S3Error */
  async claim(): Promise<void> {
    const { takeOver, log, name, writer } = this.#options
    if (this.#options.alone) await this.#claimHere()
    const found = await this.#read()
    checkSeparator(name, found?.separator, this.#options.config.separator)
    const now = this.#options.clock()
    if (found === undefined) await this.#write(firstTenure(now, writer), true)
    else if (takeOver) {
      await this.#write(nextTenure(found, now, writer.volumes), false)
      this.tookOver = true
      log.warn(`Took ${name} over from ${found.host}: epoch ${this.epoch}`)
    } else await this.#return(found, now)
    this.#looked = performance.now()
  }

  /** Goes on under a name that was ours before. */
  async #return(found: NodeRecord, now: number): Promise<void> {
    const { log, name, writer } = this.#options
    const volumes = volumesTogether(writer, found)
    const is = kinship(found, writer)
    if (is === 'other') throw this.#refusal(found)
    if (is === 'moved') {
      await this.#write(nextTenure(found, now, volumes), false)
      log.warn(
        `The volume of ${name} was attached to another machine (host ${found.host}) before: this one goes on, as epoch ${this.epoch}; a tablesnap that still runs there stops`,
      )
    } else if (found.writer !== writer.id || volumes.length !== (found.volumes?.length ?? 0))
      await this.#write({ ...found, epochs: epochsOf(found), volumes }, false)
    else this.#set(found)
  }

  /** Makes sure that the name is still ours. @param fresh how old the last look may be, ms @throws TablesnapError `FENCED`; S3Error */
  async check(fresh = FRESH): Promise<void> {
    if (performance.now() - this.#looked < fresh) return
    const began = performance.now()
    // After a take-over it is free once the other one has stopped.
    if (this.#options.alone && this.#lock === undefined) await this.#claimHere()
    const found = await this.#read()
    if (found === undefined) await this.#write(this, true)
    else if (found.writer !== this.#options.writer.id || found.epoch !== this.epoch) throw this.#lost(found)
    this.#looked = began
  }

  close(): void {
    this.#lock?.close()
  }

  /** Two daemons on one machine have the same writer: an abstract socket, which ends with its process, tells them apart. */
  async #claimHere(): Promise<void> {
    const { client, keys, takeOver, name } = this.#options
    const { settings } = client
    const id = createHash('sha256')
      .update([settings.endpoint ?? '', settings.bucket, keys.node].join('\0'))
      .digest('hex')
    const server = createServer()
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ path: `\0tablesnap-${id}` }, resolve)
      })
      this.#lock = server.unref()
    } catch (cause) {
      if (takeOver) return
      if (errorCode(cause) !== 'EADDRINUSE') return
      throw fenced(
        `another tablesnap on this machine watches as ${name} already: give one of them all paths and stop the other, or give this one another name (-n NAME), or --take-over`,
        cause,
      )
    }
  }

  async #read(): Promise<NodeRecord | undefined> {
    const { client, keys } = this.#options
    let body: Buffer
    try {
      body = (await getObject(client, keys.node)).body
    } catch (error) {
      if (isS3Error(error, 404)) return undefined
      throw error
    }
    const record = parseRecord(body)
    if (record !== undefined) return record
    throw fenced(
      `${keys.node} cannot be read: it does not say who writes under this name; --take-over needs it deleted first`,
    )
  }

  #set(found: NodeRecord): void {
    this.epoch = found.epoch
    this.since = found.since
    this.epochs = epochsOf(found)
    this.volumes = found.volumes ?? []
  }

  async #write({ epoch, since, epochs, volumes }: Tenure, ifAbsent: boolean): Promise<void> {
    const { client, keys, writer, config } = this.#options
    const { separator } = config
    const record: NodeRecord = {
      format: 1,
      writer: writer.id,
      ...(volumes === undefined || volumes.length === 0 ? {} : { volumes }),
      host: writer.host,
      epoch,
      since,
      separator,
      epochs,
    }
    const body = Buffer.from(JSON.stringify(record))
    const md5 = createHash('md5').update(body).digest('base64')
    const headers = { ...storageHeaders(config.object), 'Content-Type': 'application/json' }
    try {
      await putObject(client, keys.node, { body, headers: { 'Content-MD5': md5 } }, { headers, ifAbsent })
    } catch (error) {
      // Another one was faster, or the answer to our own request was lost.
      const found = isS3Error(error, 412, 409) ? await this.#read() : undefined
      if (found === undefined) throw error
      if (kinship(found, writer) !== 'same') throw this.#refusal(found)
      this.#set(found)
      return
    }
    this.#set(record)
  }

  #refusal({ host, epoch }: NodeRecord): TablesnapError {
    const { name } = this.#options
    return fenced(
      `${name} is the name of another writer (${host}, epoch ${epoch}): if that one is gone for good, run the same command with --take-over; if not, give this one a name of its own with -n NAME`,
    )
  }

  #lost({ host, epoch }: NodeRecord): TablesnapError {
    const { name } = this.#options
    return fenced(`stopped: ${host} took the name ${name} over (epoch ${epoch}, ours was ${this.epoch})`)
  }
}

function firstTenure(now: number, { volumes }: Writer): Tenure {
  return { epoch: 1, since: now, epochs: [{ epoch: 1, since: now }], volumes }
}

function nextTenure(before: NodeRecord, now: number, volumes: readonly string[]): Tenure {
  const epoch = before.epoch + 1
  return { epoch, since: before.since, epochs: [...epochsOf(before), { epoch, since: now }], volumes }
}

function fenced(message: string, cause?: unknown): TablesnapError {
  return new TablesnapError({ code: 'FENCED', message, operation: 'fence', cause })
}
