import { existsSync } from 'node:fs'

import { errorMessage } from '../errors.js'
import type { KeyLayout } from '../manifest/keys.js'
import { counted } from '../report/format.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import { abortMultipartUpload, listUploads, type ListedUpload } from '../s3/multipart.js'
import { headObject } from '../s3/object.js'

/** The resources of {@link LeftUploads}. */
export interface LeftUploadsDeps {
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly log: Logger
  readonly signal: AbortSignal
}

/** A Date has whole seconds, and two machines write it, ms. */
const TOLERANCE = 2_000

/**
 * The multipart uploads that a run of this node left unfinished: it was killed, or the answer to CreateMultipartUpload was lost. Nobody goes on with
 * one whose file is gone, or whose object is there, but its parts cost storage until somebody ends it.
 */
export class LeftUploads {
  readonly #deps: LeftUploadsDeps

  constructor(deps: LeftUploadsDeps) {
    this.#deps = deps
  }

  /**
   * Ends them; a failure is no harm, as the next run tries again. Those begun in the last two seconds before this run stay until then, too: by
   * their time they could be its own.
   * @param before when this run began, ms since 1970, by the server's clock
   */
  async end(before: number): Promise<void> {
    const { client, keys, log, signal } = this.#deps
    let count = 0
    try {
      for (const prefix of [keys.files, keys.versions])
        for await (const upload of listUploads(client, prefix, signal)) {
          if (upload.initiated >= before - TOLERANCE || !(await this.#isUseless(upload))) continue
          await abortMultipartUpload(client, upload.key, upload.id)
          log.debug(`Ended the unfinished upload of ${upload.key}`, { key: upload.key })
          count += 1
        }
    } catch (error) {
      log.debug(`Unfinished uploads of earlier runs may be left: ${errorMessage(error)}`)
    }
    if (count > 0) log.info(`Ended ${counted(count, 'unfinished upload')} that an earlier run had begun`)
  }

  async #isUseless({ key }: ListedUpload): Promise<boolean> {
    const { client, keys, signal } = this.#deps
    const path = keys.pathOf(key)
    if (path === undefined) return false
    return !existsSync(path) || (await headObject(client, key, signal)) !== undefined
  }
}
