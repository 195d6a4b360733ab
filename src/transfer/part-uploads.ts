import type { Config } from '../config/config.js'
import type { S3Client } from '../s3/client.js'
import type { ChecksumKind } from '../s3/settings.js'

import { uploadInParts } from './multipart.js'
import { partSize } from './parts.js'
import type { Engine } from './pool/engine.js'
import { inSomeWay, noteOn } from './upload/capability.js'
import type { FileUpload } from './upload/upload-task.js'

/** Checksums from one pass over a file. */
export interface Digests {
  readonly crc64: bigint
  /** CRC-32 of a Data.db, which its Digest.crc32 names. */
  readonly crc32?: number | undefined
}

/** Uploads large files in parts, and remembers which checksum the server takes for them. */
export class PartUploads {
  readonly #config: Config
  readonly #client: S3Client
  readonly #engine: Engine
  /** The checksum that parts are sent with: the one that is wanted, or one that the server takes. */
  #checksum: ChecksumKind
  readonly #running = new Set<FileUpload>()

  constructor(config: Config, client: S3Client, engine: Engine) {
    this.#config = config
    this.#client = client
    this.#engine = engine
    this.#checksum = config.engine.checksum
  }

  /** Whether this run is uploading something under a key: an unfinished upload of the key may be its own. */
  isUploading(key: string): boolean {
    return [...this.#running].some(file => file.key === key)
  }

  /** Bytes of a file's parts; undefined: it goes up in one PUT. */
  sizeFor({ size }: Pick<FileUpload, 'size'>): number | undefined {
    const { maxUploadSize, chunkSize } = this.#config.engine
    return partSize(size, { buffer: this.#engine.buffer, maxUploadSize, chunkSize })
  }

  /** Sends a file in parts, with less where the server refuses what is asked of it. @throws S3Error, TablesnapError */
  async send(file: FileUpload, part: number, signal: AbortSignal): Promise<Digests> {
    const wanted = this.#checksum
    const { headers, exactly } = file
    const replaces = exactly?.replaces === true
    this.#running.add(file)
    try {
      const { kind, result } = await inSomeWay(wanted, async checksum =>
        uploadInParts(
          { client: this.#client, engine: this.#engine, signal },
          { file, part, checksum, headers, replaces },
        ),
      )
      if (kind !== wanted) this.#engine.note(noteOn(wanted))
      this.#checksum = kind
      return result
    } finally {
      this.#running.delete(file)
    }
  }
}
