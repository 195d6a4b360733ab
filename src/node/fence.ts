import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'

import type { Config } from '../config/config.js'
import { TablesnapError, errorCode } from '../errors.js'
import type { ChopRecord } from '../manifest/chop-plan.js'
import type { Epoch } from '../manifest/epochs.js'
import type { KeyLayout } from '../manifest/keys.js'
import { checkSeparator } from '../manifest/separator.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { getObject, storageHeaders } from '../s3/object.js'
import { putInPlaceOf } from '../s3/replace.js'

import {
  epochsOf,
  isUnclaimed,
  kinship,
  parseRecord,
  volumesTogether,
  type NodeRecord,
} from './node-record.js'
import { socketOf } from './living-runs.js'
import type { Writer } from './writer.js'

/** The term of a writer: since when the name is its own. */
type Tenure = Pick<NodeRecord, 'epoch' | 'since' | 'volumes'> & { readonly epochs: readonly Epoch[] }

/** A record as it lies in the bucket. */
interface Found {
  readonly record: NodeRecord
  readonly etag: string
}

/** The name that is fenced, and who wants to write under it. */
export interface FenceDeps {
  readonly config: Config
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly name: string
  readonly writer: Writer
  readonly log: Logger
}

/** How the name is claimed. */
export interface FenceTerms {
  /** Whether the name is taken from whoever writes under it now. */
  readonly takeOver: boolean
  /** Whether only one such process may run on the machine: a daemon. */
  readonly alone: boolean
  /** The server's clock, ms. */
  readonly clock: () => number
  /** Is told the plans of tablechop that node.json names, at each look; undefined: nothing is uploaded. */
  readonly plans?: { take(chops: readonly ChopRecord[]): Promise<void> }
}

/** How old the last look at `node.json` may be when a state is written, ms. */
const FRESH = 60_000

/** Times that node.json is read again, when another program writes it in the same moment. */
const TIMES = 5

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

  readonly #deps: FenceDeps
  readonly #terms: FenceTerms
  #looked = -Infinity
  #lock: Server | undefined

  constructor(deps: FenceDeps, terms: FenceTerms) {
    this.#deps = deps
    this.#terms = terms
  }

  /** The epoch that the last --take-over began; 0: there was none, or an earlier version did it. */
  get acceptedEpoch(): number {
    return Math.max(0, ...this.epochs.filter(({ accepts }) => accepts === true).map(({ epoch }) => epoch))
  }

  /** Takes the name, if it is free or ours. @throws TablesnapError `FENCED`, `SEPARATOR_CHANGED`; S3Error */
  async claim(): Promise<void> {
    const { name } = this.#deps
    if (this.#terms.alone) await this.#claimHere()
    const began = performance.now()
    for (let attempt = 0; ; attempt++) {
      const found = await this.#read()
      checkSeparator(name, found?.record.separator, this.#deps.config.separator)
      if (await this.#take(found, attempt)) break
    }
    this.#looked = began
  }

  /** Takes the name as a look at node.json showed it. @returns false: somebody else wrote it in the same moment */
  async #take(found: Found | undefined, attempt: number): Promise<boolean> {
    const { log, name, writer } = this.#deps
    const { takeOver, plans } = this.#terms
    const now = this.#terms.clock()
    const record = found?.record
    await plans?.take(record?.chop ?? [])
    const isLast = attempt >= TIMES
    if (found === undefined || record === undefined || isUnclaimed(record))
      return this.#write(firstTenure(now, writer), found, isLast)
    if (!takeOver) return this.#return(found, now, isLast)
    if (!(await this.#write(nextTenure(record, now, writer.volumes, true), found, isLast))) return false
    this.tookOver = true
    log.warn(`Took ${name} over from ${record.host}: epoch ${this.epoch}`)
    return true
  }

  /** Goes on under a name that was ours before. */
  async #return(found: Found, now: number, isLast: boolean): Promise<boolean> {
    const { log, name, writer } = this.#deps
    const { record } = found
    const volumes = volumesTogether(writer, record)
    const is = kinship(record, writer)
    if (is === 'other') throw this.#refusal(record)
    if (is === 'moved') {
      if (!(await this.#write(nextTenure(record, now, volumes, false), found, isLast))) return false
      log.warn(
        `The volume of ${name} was attached to another machine (host ${record.host}) before: this one goes on, as epoch ${this.epoch}; a tablesnap that still runs there stops`,
      )
      return true
    }
    const isKnown =
      record.writer === writer.id &&
      volumes.length === (record.volumes?.length ?? 0) &&
      record.heedsPlans === true
    if (!isKnown) return this.#write({ ...record, epochs: epochsOf(record), volumes }, found, isLast)
    this.#set(record)
    return true
  }

  /** Makes sure that the name is still ours. @param fresh how old the last look may be, ms @throws TablesnapError `FENCED`; S3Error */
  async check(fresh = FRESH): Promise<void> {
    if (performance.now() - this.#looked < fresh) return
    const began = performance.now()
    // After a take-over it is free once the other one has stopped.
    if (this.#terms.alone && this.#lock === undefined) await this.#claimHere()
    const found = await this.#read()
    if (found === undefined) await this.#write(this, undefined, true)
    else if (found.record.writer !== this.#deps.writer.id || found.record.epoch !== this.epoch)
      throw this.#lost(found.record)
    await this.#terms.plans?.take(found?.record.chop ?? [])
    this.#looked = began
  }

  close(): void {
    this.#lock?.close()
  }

  /** Two daemons on one machine have the same writer: an abstract socket, which ends with its process, tells them apart. */
  async #claimHere(): Promise<void> {
    const { client, keys, name } = this.#deps
    const { takeOver } = this.#terms
    const server = createServer()
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ path: `\0${socketOf(client.settings, keys)}` }, resolve)
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

  async #read(): Promise<Found | undefined> {
    const { client, keys } = this.#deps
    let body: Buffer
    let etag: string
    try {
      const object = await getObject(client, keys.node)
      body = object.body
      etag = object.info.etag
    } catch (error) {
      if (isS3Error(error, 404)) return undefined
      throw error
    }
    const record = parseRecord(body)
    if (record !== undefined) return { record, etag }
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

  /**
   * Writes the record in place of the one that was found, with what tablechop has put into it.
   * @param isLast whether it has to come off this time
   * @returns false: somebody else wrote it in the same moment
   */
  async #write(
    { epoch, since, epochs, volumes }: Tenure,
    found: Found | undefined,
    isLast: boolean,
  ): Promise<boolean> {
    const { client, keys, writer, config } = this.#deps
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
      ...(found?.record.chop === undefined ? {} : { chop: found.record.chop }),
      heedsPlans: true,
    }
    const body = Buffer.from(JSON.stringify(record))
    const md5 = createHash('md5').update(body).digest('base64')
    const headers = { ...storageHeaders(config.object), 'Content-Type': 'application/json' }
    const guarded = { body, headers: { 'Content-MD5': md5 } }
    try {
      await putInPlaceOf(client, keys.node, guarded, { headers, etag: found?.etag })
    } catch (error) {
      // Another one was faster, or the answer to our own request was lost.
      const now = isS3Error(error, 412, 409) ? await this.#read() : undefined
      if (now === undefined) throw error
      if (now.record.epoch !== epoch || kinship(now.record, writer) !== 'same') {
        if (isLast) throw this.#refusal(now.record)
        return false
      }
      await this.#terms.plans?.take(now.record.chop ?? [])
      this.#set(now.record)
      return true
    }
    this.#set(record)
    return true
  }

  #refusal({ host, epoch }: NodeRecord): TablesnapError {
    const { name } = this.#deps
    return fenced(
      `${name} is the name of another writer (${host}, epoch ${epoch}): if that one is gone for good, run the same command with --take-over; if not, give this one a name of its own with -n NAME`,
    )
  }

  #lost({ host, epoch }: NodeRecord): TablesnapError {
    const { name } = this.#deps
    return fenced(`stopped: ${host} took the name ${name} over (epoch ${epoch}, ours was ${this.epoch})`)
  }
}

function firstTenure(now: number, { volumes }: Writer): Tenure {
  return { epoch: 1, since: now, epochs: [{ epoch: 1, since: now }], volumes }
}

function nextTenure(
  before: NodeRecord,
  now: number,
  volumes: readonly string[],
  isTakeOver: boolean,
): Tenure {
  const epoch = before.epoch + 1
  const next: Epoch = { epoch, since: now, ...(isTakeOver ? { accepts: true } : {}) }
  return { epoch, since: before.since, epochs: [...epochsOf(before), next], volumes }
}

function fenced(message: string, cause?: unknown): TablesnapError {
  return new TablesnapError({ code: 'FENCED', message, step: { operation: 'fence' }, cause })
}
