import type { Config } from '../config/config.js'
import { TablesnapError, errorMessage } from '../errors.js'
import type { KeyLayout } from '../manifest/keys.js'
import { withKey, type Entry } from '../manifest/state.js'
import type { Logger } from '../report/logger.js'
import { hex64 } from '../s3/checksum.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { headObject, isOurs, metadataHeaders, type ObjectInfo } from '../s3/object.js'
import type { Ready } from '../tables/ports.js'
import type { Digests, PartUploads } from '../transfer/part-uploads.js'
import type { Engine } from '../transfer/pool/engine.js'
import { decodeError } from '../transfer/pool/messages.js'
import { underEither } from '../transfer/upload/either.js'
import { checkUnchanged, mayHave } from '../transfer/upload/file.js'
import { versionKeyOf } from '../transfer/upload/put.js'
import type { FileUpload } from '../transfer/upload/upload-task.js'
import { checkFile } from '../transfer/verify.js'

import type { FileOutcome } from './file-outcome.js'
import type { KnownObjects } from './known-objects.js'
import type { OpenFile, OpenFiles } from './open-files.js'
import { logUpload } from './upload-line.js'
import { planUpload } from './upload-plan.js'

/** Where content that is in the bucket already may be found. */
export interface UploadSources {
  /** The file that another one is a hardlink of, as the bucket holds it; undefined: it is none, or not in the bucket. */
  originalOf(ready: Ready, file: OpenFile): { readonly path: string; readonly entry: Entry } | undefined
  /** The content that manifests say the key of a file's path holds; see `FileUpload.reserved`. */
  reservedFor(ready: Ready, file: OpenFile): string | undefined
  /** The objects of the files of a directory, as a LIST at the start showed them; undefined: there was none. */
  knownIn(directory: string): KnownObjects | undefined
}

/** Which keys uploads keep away from, as tablechop is about to delete their objects. */
export interface UploadPlans {
  /** The suffix that the key of a file's content must have; undefined: its usual keys are free. @param path absolute */
  suffixFor(path: string): string | undefined
  /** Content that is in the bucket; under another key, if the object is about to go. @throws S3Error, TablesnapError */
  rescue(path: string, entry: Entry): Promise<Entry>
}

/** The resources of uploads. */
export interface UploaderDeps {
  readonly config: Config
  readonly client: S3Client
  readonly engine: Engine
  readonly keys: KeyLayout
  readonly log: Logger
  /** Aborts what is under way. */
  readonly signal: AbortSignal
}

/** The present path of a file. */
interface Stored {
  readonly outcome: 'uploaded' | 'present' | 'version'
  readonly key: string
  readonly crc64: bigint
  readonly crc32?: number | undefined
}

/** Uploads the open files of one set: the small ones in one task, each large one in parts. */
export class Uploader {
  readonly #deps: UploaderDeps
  readonly #parts: PartUploads
  readonly #sources: UploadSources
  readonly #plans: UploadPlans | undefined

  /** @param plans undefined: nobody deletes objects */
  constructor(deps: UploaderDeps, parts: PartUploads, sources: UploadSources, plans?: UploadPlans) {
    this.#deps = deps
    this.#parts = parts
    this.#sources = sources
    this.#plans = plans
  }

  /**
   * Never throws for one file: its outcome says what happened. The set's descriptors stay open.
   * @param signal ends the upload of this set
   */
  async upload(open: OpenFiles, ready: Ready, signal: AbortSignal): Promise<FileOutcome[]> {
    const began = performance.now()
    const known = ready.isUntouched ? this.#sources.knownIn(ready.files.directory) : undefined
    const outcomes: FileOutcome[] = []
    const small: { file: OpenFile; upload: FileUpload }[] = []
    const large: ((signal: AbortSignal) => Promise<void>)[] = []
    for (const file of open.files) {
      const one = async (work: () => Promise<FileOutcome>): Promise<void> => {
        outcomes.push(await work().catch((error: unknown) => this.#failed(file, error)))
      }
      try {
        if (known !== undefined && (await this.#isKnown(file, known))) {
          outcomes.push({ ...this.#base(file), outcome: 'trusted', entry: entryOf(file) })
          continue
        }
        const original = this.#sources.originalOf(ready, file)
        if (original !== undefined) {
          const { path, entry } = original
          const key = entry.key ?? this.#deps.keys.file(path)
          outcomes.push({ ...this.#base(file), outcome: 'present', entry: withKey(entry, key) })
          continue
        }
        const reserved = this.#sources.reservedFor(ready, file)
        const suffix = this.#plans?.suffixFor(file.path)
        const upload = { ...planUpload(this.#deps, file, suffix), reserved }
        if (this.#deps.config.dryRun) {
          this.#deps.log.debug(`Would upload ${upload.path}`, {
            path: upload.path,
            key: upload.key,
            bytes: upload.size,
          })
          outcomes.push({ ...this.#base(file), outcome: 'uploaded', entry: entryOf(file) })
          continue
        }
        const part = this.#parts.sizeFor(upload)
        if (part === undefined) small.push({ file, upload })
        else large.push(either => one(() => this.#large(file, upload, part, either)))
      } catch (error) {
        outcomes.push(this.#failed(file, error))
      }
    }
    const inParts = underEither(this.#deps.signal, signal, either =>
      Promise.all(large.map(work => work(either))),
    )
    if (small.length > 0) outcomes.push(...(await this.#small(small)))
    await inParts
    const { config, log } = this.#deps
    logUpload(log, ready.files, outcomes, config.dryRun ? undefined : performance.now() - began)
    return this.#rescued(outcomes, open)
  }

  /** An object that was found may be about to go. */
  async #rescued(outcomes: FileOutcome[], { files }: OpenFiles): Promise<FileOutcome[]> {
    const plans = this.#plans
    if (plans === undefined) return outcomes
    const byName = new Map(files.map(file => [file.name, file]))
    return Promise.all(
      outcomes.map(async outcome => {
        const file = byName.get(outcome.name)
        if (outcome.entry === undefined || file === undefined) return outcome
        try {
          return { ...outcome, entry: await plans.rescue(file.path, outcome.entry) }
        } catch (error) {
          return this.#failed(file, error)
        }
      }),
    )
  }

  #base({ name, identity }: OpenFile): Omit<FileOutcome, 'outcome'> {
    return { name, bytes: identity.size }
  }

  /**
   * Whether the LIST at the start showed this content; by its size alone, as the original does, unless --md5-on-start asks
   * for more or the file is to be deleted.
   */
  async #isKnown(file: OpenFile, known: KnownObjects): Promise<boolean> {
    const { config, keys, client, signal } = this.#deps
    const listed = known.get(keys.file(file.path))
    if (listed === undefined || listed.size !== file.identity.size) return false
    if (!config.md5OnStart && !config.deleteOnBackup) return true
    const upload = planUpload(this.#deps, file)
    const object = await headObject(client, upload.key, signal)
    return object !== undefined && (await this.#isSame(object, upload, upload.key))
  }

  /** Whether an object holds a file's content; in doubt that of a version does, as its key names it. */
  async #isSame(object: ObjectInfo, upload: FileUpload, key: string): Promise<boolean> {
    if (object.size !== upload.size) return false
    const check = await checkFile(this.#deps, upload, key, object)
    checkUnchanged(upload)
    if (check.match !== 'unknown') return check.match === 'same'
    return key !== upload.key || (upload.trustsSize && check.differs === undefined && !isOurs(object))
  }

  async #small(small: readonly { file: OpenFile; upload: FileUpload }[]): Promise<FileOutcome[]> {
    const { engine, log } = this.#deps
    for (const { upload } of small)
      log.debug(`Uploading ${upload.path}`, { path: upload.path, key: upload.key })
    try {
      const results = await engine.files({ kind: 'files', files: small.map(({ upload }) => upload) })
      return small.map(({ file, upload }, i) => {
        const result = results[i]
        if (result === undefined || !result.ok) {
          return this.#failed(file, result === undefined ? new Error('no result') : decodeError(result.error))
        }
        return this.#finished(file, upload, result.value)
      })
    } catch (error) {
      return small.map(({ file }) => this.#failed(file, error))
    }
  }

  async #large(file: OpenFile, upload: FileUpload, part: number, signal: AbortSignal): Promise<FileOutcome> {
    const { engine, log } = this.#deps
    log.debug(`Uploading ${upload.path}`, { path: upload.path, key: upload.key, bytes: upload.size, part })
    const digest = () => engine.digest({ kind: 'digest', file: upload, md5: upload.md5 })
    const md5 = upload.md5 ? (await digest()).md5 : undefined
    const headers = { ...upload.headers, ...(md5 === undefined ? {} : metadataHeaders({ md5sum: md5 })) }
    const send = (key: string) => this.#parts.send({ ...upload, key, headers }, part, signal)
    // One HEAD costs nothing beside a file of this size, and spares sending it in vain.
    const isFree = upload.versionSuffix === undefined
    const first = isFree ? await this.#unlessPresent(upload.key, upload, send) : undefined
    if (first !== undefined) return this.#finished(file, upload, first)
    const versionKey = versionKeyOf(upload, (await digest()).crc64)
    const second = await this.#unlessPresent(versionKey, upload, send)
    if (second === undefined) {
      throw new TablesnapError({
        code: 'VERSION_CONFLICT',
        message: `${versionKey} holds other content than its name says: somebody else wrote it; move it away`,
        step: { operation: 'upload', path: upload.path, key: versionKey },
      })
    }
    const outcome = second.outcome === 'present' ? 'present' : 'version'
    return this.#finished(file, upload, { ...second, outcome })
  }

  /** Uploads under a key unless it is taken; undefined when it is, by other content. */
  async #unlessPresent(
    key: string,
    upload: FileUpload,
    send: (key: string) => Promise<Digests>,
  ): Promise<Stored | undefined> {
    const { client, engine, signal } = this.#deps
    for (let attempt = 0; ; attempt++) {
      const object = await headObject(client, key, signal)
      if (object !== undefined) {
        if (!(await this.#isSame(object, upload, key))) return undefined
        const { type, crc64nvme } = object.checksums
        const known = type === 'FULL_OBJECT' ? crc64nvme : undefined
        if (known !== undefined && upload.crc32 !== true) return { outcome: 'present', key, crc64: known }
        const digest = await engine.digest({ kind: 'digest', file: upload, md5: false })
        return { outcome: 'present', key, crc64: digest.crc64, crc32: digest.crc32 }
      }
      if (key === upload.key && upload.reserved !== undefined) {
        const { crc64 } = await engine.digest({ kind: 'digest', file: upload, md5: false })
        if (!mayHave(upload, crc64)) return undefined
      }
      try {
        return { outcome: 'uploaded', key, ...(await send(key)) }
      } catch (error) {
        // Taken meanwhile, or our own Complete whose answer was lost: the next HEAD tells.
        if (attempt > 0 || !isS3Error(error, 412, 409, 'PreconditionFailed', 'NoSuchUpload')) throw error
      }
    }
  }

  #finished(file: OpenFile, upload: FileUpload, { outcome, key, crc64, crc32 }: Stored): FileOutcome {
    const { log } = this.#deps
    const fields = { path: upload.path, key, bytes: upload.size }
    if (outcome === 'present') log.debug(`Keyname ${key} already exists, skipping upload`, fields)
    else if (outcome === 'version')
      log.debug(`Finished uploading ${upload.path} as another version: ${key}`, fields)
    else log.debug(`Finished uploading ${upload.path}`, fields)
    const entry = entryOf(file, crc64, key === upload.key ? undefined : key)
    return { ...this.#base(file), outcome, entry, crc32 }
  }

  #failed(file: OpenFile, error: unknown): FileOutcome {
    const own =
      error instanceof TablesnapError
        ? error
        : new TablesnapError({
            code: 'UPLOAD_FAILED',
            message: errorMessage(error),
            step: { path: file.path },
            cause: error,
          })
    return { ...this.#base(file), outcome: 'failed', error: own }
  }
}

/** See {@link withKey}. */
function entryOf({ identity: { size, mtime, inode } }: OpenFile, crc64?: bigint, key?: string): Entry {
  return { size, mtime, inode, crc64: crc64 === undefined ? undefined : hex64(crc64), key }
}
