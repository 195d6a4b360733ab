import { closeSync } from 'node:fs'

import { sameIdentity } from '../cassandra/file-identity.js'
import type { Config } from '../config/config.js'
import { TablesnapError } from '../errors.js'
import { standingOf } from '../manifest/bucket-comparison.js'
import { versionKey, type KeyLayout } from '../manifest/keys.js'
import type { Entry } from '../manifest/state.js'
import { hex64 } from '../s3/checksum.js'
import type { S3Client } from '../s3/client.js'
import { MAX_COPY, copyObject } from '../s3/copy.js'
import { isS3Error } from '../s3/errors.js'
import { headObject } from '../s3/object.js'
import type { Engine } from '../transfer/pool/engine.js'

import type { ObjectRepair } from './object-repair.js'
import { openFile } from './open-files.js'

/** The parts that content is given another key with. */
export interface RescueDeps {
  readonly client: S3Client
  readonly engine: Engine
  readonly keys: KeyLayout
  readonly config: Config
  readonly repair: ObjectRepair
  readonly signal: AbortSignal
}

/**
 * Gives content a key of its own whose object tablechop is about to delete: the server copies the object; where it cannot, the
 * file on the disk is uploaded once more.
 */
export class Rescue {
  readonly #deps: RescueDeps

  constructor(deps: RescueDeps) {
    this.#deps = deps
  }

  /**
   * @param path of the file @param entry as manifests would name it @param suffix of keys that no plan can name yet
   * @returns the new key
   * @throws S3Error; TablesnapError `CONTENT_LOST` where neither the object nor the file is there any more
   */
  async run(path: string, entry: Entry, suffix: string): Promise<string> {
    const { client, keys, config, signal } = this.#deps
    const crc64 = entry.crc64 ?? (await this.#checksumOf(path, entry))
    const key = versionKey(keys.versionStem(path, true), crc64, suffix)
    const exact = { ...entry, crc64 }
    if (standingOf(await headObject(client, key, signal), exact) === 'right') return key
    const source = entry.key ?? keys.file(path)
    const object = await headObject(client, source, signal)
    if (object !== undefined && object.size <= MAX_COPY && standingOf(object, exact) === 'right') {
      try {
        await copyObject(client, { key: source, etag: object.etag }, key, config.object, signal)
        if (standingOf(await headObject(client, key, signal), exact) === 'right') return key
      } catch (error) {
        // The account may not, the server cannot, or the object went or is archived: the file may still be there.
        if (!isS3Error(error, 400, 403, 404, 405, 412, 501)) throw error
      }
    }
    const names = [{ key, unit: '', path, sstable: undefined, entry: exact }]
    if ((await this.#deps.repair.run(key, names, false)) === 'uploaded') return key
    throw lost(path, source)
  }

  /** An object of the Python program has none that manifests know. */
  async #checksumOf(path: string, entry: Entry): Promise<string> {
    const { client, engine, keys, signal } = this.#deps
    const source = entry.key ?? keys.file(path)
    const object = await headObject(client, source, signal)
    const known = object?.checksums.type === 'FULL_OBJECT' ? object.checksums.crc64nvme : undefined
    if (known !== undefined) return hex64(known)
    const file = openFile(path)
    if (file === undefined) throw lost(path, source)
    try {
      if (!sameIdentity(entry, file.identity)) throw lost(path, source)
      const { size, mtimeNs } = file.stat
      const ref = { fd: file.fd, path, key: source, size: Number(size), mtime: mtimeNs }
      return hex64((await engine.digest({ kind: 'digest', file: ref, md5: false })).crc64)
    } finally {
      closeSync(file.fd)
    }
  }
}

function lost(path: string, key: string): TablesnapError {
  return new TablesnapError({
    code: 'CONTENT_LOST',
    message: `${path}: tablechop is about to delete its object ${key}, and it can be neither copied nor uploaded again`,
    step: { operation: 'rescue', path, key },
  })
}
