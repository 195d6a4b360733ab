import { closeSync } from 'node:fs'

import { sameIdentity } from '../cassandra/file-identity.js'
import type { Config } from '../config/config.js'
import { TablesnapError, errorCode } from '../errors.js'
import type { KeyLayout } from '../manifest/keys.js'
import type { NamedObject } from '../manifest/named-objects.js'
import type { Logger } from '../report/logger.js'
import { metadataHeaders } from '../s3/object.js'
import type { PartUploads } from '../transfer/part-uploads.js'
import type { Engine } from '../transfer/pool/engine.js'
import { decodeError } from '../transfer/pool/messages.js'
import { checkExact } from '../transfer/upload/file.js'
import type { FileUpload } from '../transfer/upload/upload-task.js'

import { openFile, unreadable, type OpenFile } from './open-files.js'
import { planUpload } from './upload-plan.js'

/** The parts that objects are uploaded again with. */
export interface RepairDeps {
  readonly config: Config
  readonly engine: Engine
  readonly keys: KeyLayout
  readonly log: Logger
  readonly parts: PartUploads
  readonly signal: AbortSignal
}

/** `uploaded` again; `gone`: the file is not on the disk; `changed`: the file has other content now. */
export type RepairOutcome = 'uploaded' | 'gone' | 'changed'

/** Uploads the content of an object again under its key, from a file that still has it; never any other content. */
export class ObjectRepair {
  readonly #deps: RepairDeps

  constructor(deps: RepairDeps) {
    this.#deps = deps
  }

  /**
   * @param names the files that may have the content
   * @param replaces whether an object with other content lies under the key
   * @throws S3Error; TablesnapError `FILE_DENIED`, `FILE_UNREADABLE`
   */
  async run(key: string, names: readonly NamedObject[], replaces: boolean): Promise<RepairOutcome> {
    let outcome: RepairOutcome = 'gone'
    for (const name of names) {
      const one = await this.#one(key, name, replaces)
      if (one === 'uploaded') return one
      if (one === 'changed') outcome = one
    }
    return outcome
  }

  async #one(key: string, { path, entry }: NamedObject, replaces: boolean): Promise<RepairOutcome> {
    const file = open(path)
    if (file === undefined) return 'gone'
    try {
      // The manifest has no checksum for an object of the Python program.
      const mayBeSame =
        entry.crc64 === undefined ? sameIdentity(entry, file.identity) : file.identity.size === entry.size
      if (!mayBeSame) return 'changed'
      const exactly = { crc64: entry.crc64, replaces }
      await this.#upload({ ...planUpload(this.#deps, file), key, trustsSize: false, exactly })
      return 'uploaded'
    } catch (error) {
      const code = errorCode(error)
      if (code === 'CONTENT_DIFFERS' || code === 'FILE_CHANGED') return 'changed'
      throw error
    } finally {
      closeSync(file.fd)
    }
  }

  async #upload(upload: FileUpload): Promise<void> {
    const { config, engine, log, parts, signal } = this.#deps
    const { path, key, size, exactly, md5 } = upload
    const fields = { path, key, bytes: size }
    const part = parts.sizeFor(upload)
    let { headers } = upload
    if (part !== undefined || config.dryRun) {
      // Read before it is sent: a large file would be sent in vain.
      const digest = await engine.digest({ kind: 'digest', file: upload, md5 })
      checkExact(path, exactly, digest.crc64)
      if (digest.md5 !== undefined) headers = { ...headers, ...metadataHeaders({ md5sum: digest.md5 }) }
    }
    if (config.dryRun) {
      log.info(`Would upload ${path} again`, fields)
      return
    }
    log.debug(`Uploading ${path} again`, fields)
    if (part !== undefined) await parts.send({ ...upload, headers }, part, signal)
    else {
      const [result] = await engine.files({ kind: 'files', files: [upload] })
      if (result?.ok !== true) throw result === undefined ? new Error('no result') : decodeError(result.error)
    }
    log.info(`Finished uploading ${path} again`, fields)
  }
}

/** @returns undefined when there is no such file @throws TablesnapError */
function open(path: string): OpenFile | undefined {
  try {
    return openFile(path)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (error instanceof TablesnapError) throw error
    throw unreadable(path, error)
  }
}
