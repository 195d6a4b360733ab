import { existsSync } from 'node:fs'

import { errorMessage } from '../errors.js'
import type { KeyLayout } from '../manifest/keys.js'
import { counted } from '../report/format.js'
import type { Logger } from '../report/logger.js'
import type { LivingRuns } from '../node/living-runs.js'
import type { S3Client } from '../s3/client.js'
import { abortMultipartUpload, listUploads, type ListedUpload } from '../s3/multipart.js'
import { headObject } from '../s3/object.js'
import type { PartUploads } from '../transfer/part-uploads.js'

import type { Timers } from './ports.js'

/** The resources of {@link LeftUploads}. */
export interface LeftUploadsDeps {
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly log: Logger
  /** The uploads of this run. */
  readonly parts: Pick<PartUploads, 'isUploading'>
  readonly runs: LivingRuns
  readonly signal: AbortSignal
}

/** A daemon looks again so long after its start, ms: a -B that ran then has mostly ended, and so have the uploads that a killed run had begun. */
const SOON = 60_000

/** A daemon looks so often, ms. */
const DAY = 86_400_000

/**
 * The multipart uploads that nobody goes on with: a run of this node was killed, or gave an upload up because its file was gone, or the answer to
 * CreateMultipartUpload was lost. Their parts cost storage until somebody ends them. An upload whose file is there and whose object is not is gone on with
 * by the next upload of the file. What this run or another living run uploads must never be ended: Cassandra may have deleted
 * the file, which the run holds open.
 */
export class LeftUploads {
  readonly #deps: LeftUploadsDeps
  readonly #timers: Timers
  #cancel: (() => void) | undefined
  #isStopped = false

  constructor(deps: LeftUploadsDeps, timers: Timers) {
    this.#deps = deps
    this.#timers = timers
  }

  /** A daemon ends them at its start, a minute later, and once a day. */
  async startRounds(): Promise<void> {
    await this.end()
    this.#again(SOON)
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
  }

  /** Ends them. A failure is no harm, as the next look tries again. @returns whether another run prevented the look */
  async end(): Promise<boolean> {
    const { client, keys, log, signal, runs } = this.#deps
    let count = 0
    try {
      for (const prefix of [keys.files, keys.versions])
        for await (const upload of listUploads(client, prefix, signal)) {
          // A run that begins now may upload what is listed next.
          if (runs.hasOthers()) return true
          if (!(await this.#isUseless(upload))) continue
          await abortMultipartUpload(client, upload.key, upload.id)
          log.debug(`Ended the unfinished upload of ${upload.key}`, { key: upload.key })
          count += 1
        }
    } catch (error) {
      log.debug(`Unfinished uploads of earlier runs may be left: ${errorMessage(error)}`)
    } finally {
      if (count > 0) log.info(`Ended ${counted(count, 'unfinished upload')} that an earlier run had begun`)
    }
    return false
  }

  #again(delay: number): void {
    if (this.#isStopped) return
    this.#cancel = this.#timers.after(delay, () => {
      void this.end().then(isPrevented => this.#again(isPrevented ? SOON : DAY))
    })
  }

  async #isUseless({ key }: ListedUpload): Promise<boolean> {
    const { client, keys, parts, runs, signal } = this.#deps
    const path = keys.pathOf(key)
    if (path === undefined || parts.isUploading(key)) return false
    const isDone = !existsSync(path) || (await headObject(client, key, signal)) !== undefined
    return isDone && !parts.isUploading(key) && !runs.hasOthers()
  }
}
