import { open, type FileHandle } from 'node:fs/promises'

import { Slots, eachOf } from '../../concurrency.js'
import { TablesnapError } from '../../errors.js'
import type { Logger } from '../../report/logger.js'
import { headObject, type ObjectInfo } from '../../s3/object.js'
import { CrcFold, isCrc, type CrcKind } from '../../transfer/download/digest.js'
import type { LocalFile } from '../../transfer/download/download-task.js'
import { changed, damaged } from '../../transfer/download/download.js'
import { expectedOf, type Expected } from '../../transfer/download/expected.js'
import { unwritable } from '../../transfer/download/file.js'
import { checkFile, hasDigest, type CheckDeps } from '../../transfer/verify.js'
import { gone } from '../plan/local.js'
import { RangeJournal, openPartial, openPast, type RangesOf } from '../plan/partial.js'
import type { MomentFile } from '../read/moment.js'

import type { Owner, Owners } from './owner.js'

/** Transfers of an object before its damage counts as the object's own, and not as the network's. */
const ATTEMPTS = { small: 3, large: 2 } as const

/** Tasks under way per place in the pool: while one is fetched, another is opened or synced. */
const TASKS_PER_PLACE = 2

/** The resources for downloading objects. */
export interface TransferDeps extends CheckDeps {
  readonly log: Logger
  /** Brings what an ETag speaks against that may be none of MD5s. */
  readonly force?: boolean
}

/** A file in staging, whole and on the disk. */
export interface StagedFile {
  readonly file: MomentFile
  readonly path: string
  readonly owner: Owner
  /** Whether its content was compared with what its state or the server says of it. */
  readonly verified: boolean
}

/** Brings objects into staging: small ones by one GET, large ones by ranges in parallel. */
export class Transfer {
  readonly #deps: TransferDeps
  readonly #owners: Owners
  readonly #slots: Slots
  readonly #onBytes: (bytes: number) => void

  /** @param onBytes is told of bytes as they come; of a negative number where they are to come again */
  constructor(deps: TransferDeps, owners: Owners, onBytes: (bytes: number) => void = () => undefined) {
    this.#deps = deps
    this.#owners = owners
    this.#onBytes = onBytes
    this.#slots = new Slots(deps.engine.width * TASKS_PER_PLACE)
  }

  /** Whether a file comes in ranges, which stay in staging when the run is cut short. */
  isLarge({ size }: MomentFile): boolean {
    return size > this.#deps.engine.usual
  }

  /**
   * Fetches an object into staging, compares it with the checksum of its state, else with its own, and syncs it. Of a
   * large one only the ranges come that are not there yet.
   * @param existing the nearest existing directory to where it comes to lie, an example for its owner
   * @throws S3Error; TablesnapError `OBJECT_DAMAGED`, `OBJECT_CHANGED`, `OBJECT_GONE`, `NO_SPACE`, `FILE_UNWRITABLE`
   */
  async fetch(file: MomentFile, path: string, existing: string): Promise<StagedFile> {
    const { signal } = this.#deps
    const small = !this.isLarge(file)
    const work = async (): Promise<StagedFile> => {
      signal?.throwIfAborted()
      const opened = small ? open(path, 'wx+', 0o666) : openPartial(path)
      const handle = await opened.catch((cause: unknown) => {
        throw unwritable(`cannot make ${path}`, path, cause)
      })
      const past = small ? undefined : await openPast(path)
      try {
        const local = { fd: handle.fd, direct: past?.fd, path }
        const { info, verified } = await retried(small ? ATTEMPTS.small : ATTEMPTS.large, attempt =>
          this.#counted(count =>
            small ? this.#whole(file, local, count) : this.#inRanges(file, local, count, attempt > 1),
          ),
        )
        const owner = await this.#owners.ownerOf(info.metadata, existing)
        await finish(handle, info, owner, this.#owners).catch((cause: unknown) => {
          throw cause instanceof TablesnapError ? cause : unwritable(`cannot write ${path}`, path, cause)
        })
        return { file, path, owner, verified }
      } finally {
        await past?.close()
        await handle.close()
      }
    }
    return small ? this.#slots.use(work) : work()
  }

  /** Takes back what an attempt that failed has counted. */
  async #counted<T>(work: (count: (bytes: number) => void) => Promise<T>): Promise<T> {
    let counted = 0
    try {
      return await work(bytes => {
        counted += bytes
        this.#onBytes(bytes)
      })
    } catch (error) {
      this.#onBytes(-counted)
      throw error
    }
  }

  async #whole(
    file: MomentFile,
    local: LocalFile,
    count: (bytes: number) => void,
  ): Promise<{ info: ObjectInfo; verified: boolean }> {
    const { key, size, crc64 } = file
    const task = { kind: 'download', what: 'object', key, size, crc64, ...local } as const
    const result = await this.#deps.engine.download(task)
    if (result.what !== 'object') throw strange()
    const { info } = result
    count(size)
    return { info, verified: result.verified || (await this.#check(file, local, info)) }
  }

  async #inRanges(
    file: MomentFile,
    local: LocalFile,
    count: (bytes: number) => void,
    anew: boolean,
  ): Promise<{ info: ObjectInfo; verified: boolean }> {
    const { client, signal } = this.#deps
    const info = await headObject(client, file.key, signal)
    if (info === undefined) throw gone(file.key)
    if (info.size !== file.size) throw changed(file.key, file.size, info.size)
    const expected: Expected | undefined =
      file.crc64 === undefined ? expectedOf(info) : { kind: 'whole', digest: 'crc64nvme', value: file.crc64 }
    const proof = expected?.kind === 'whole' && isCrc(expected.digest) ? expected : undefined
    const fold = new CrcFold(proof !== undefined && isCrc(proof.digest) ? proof.digest : 'crc64nvme')
    await this.#ranges(
      file,
      local,
      info,
      (index, crc, bytes) => {
        fold.add(index, crc, bytes)
        count(bytes)
      },
      { crc: fold.kind, anew },
    )
    if (proof === undefined) return { info, verified: await this.#check(file, local, info) }
    if (fold.value !== proof.value) throw damaged(file.key, proof.digest, proof.value, fold.value)
    return { info, verified: true }
  }

  async #ranges(
    file: MomentFile,
    local: LocalFile,
    { etag, size }: ObjectInfo,
    onRange: (index: number, crc: string, bytes: number) => void,
    { crc, anew }: { crc: CrcKind; anew: boolean },
  ): Promise<void> {
    const { engine, signal, log } = this.#deps
    const part = engine.usual
    const { key } = file
    const journal = await openJournal(local, { etag, size, range: part, crc }, anew)
    let found = 0
    try {
      await eachOf(indices(Math.ceil(size / part)), engine.width, async index => {
        const start = index * part
        const bytes = Math.min(part, size - start)
        const known = journal.crcOf(index)
        if (known !== undefined && (await this.#holds(local, { start, bytes }, crc, known))) {
          found += bytes
          onRange(index, known, bytes)
          return
        }
        const result = await this.#slots.use(async () => {
          signal?.throwIfAborted()
          return engine.download({ kind: 'download', what: 'range', key, etag, start, bytes, crc, ...local })
        })
        if (result.what !== 'range') throw strange()
        await journal.add(index, result.crc).catch((cause: unknown) => {
          throw unwritable(`cannot write beside ${local.path}`, local.path, cause)
        })
        onRange(index, result.crc, bytes)
      })
    } finally {
      await journal.close()
    }
    if (found > 0)
      log.info(`${found} of ${size} bytes of ${key} were in staging already`, { key, bytes: size, found })
  }

  /** Whether a range is on the disk as it was entered in the journal. */
  #holds(
    local: LocalFile,
    range: { start: number; bytes: number },
    kind: CrcKind,
    crc: string,
  ): Promise<boolean> {
    return this.#slots.use(async () => {
      try {
        return await hasDigest(this.#deps, local, range, kind, crc)
      } catch (error) {
        if (error instanceof TablesnapError && error.code === 'FILE_UNREADABLE') return false
        throw error
      }
    })
  }

  /** Compares what was staged with an object that is known by no CRC. @returns false where the server says nothing */
  async #check(file: MomentFile, local: LocalFile, info: ObjectInfo): Promise<boolean> {
    const check = await checkFile(this.#deps, local, file.key, info)
    if (check.match === 'other') throw damaged(file.key, check.digest, check.expected, check.found)
    if (check.match === 'unknown' && check.differs !== undefined && this.#deps.force !== true) {
      const { digest, expected, found } = check.differs
      const way = "; where this server's ETags are no MD5s, --force brings it, unverified"
      throw damaged(file.key, digest, expected, found, way)
    }
    return check.match === 'same'
  }
}

/** Tries again when what came was damaged. @param work is told which attempt it is, from 1 */
async function retried<T>(attempts: number, work: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      const damage = error instanceof TablesnapError && error.code === 'OBJECT_DAMAGED'
      if (!damage || attempt === attempts) throw error
    }
  }
}

/** Owner, mode and time as they were; then to the disk. */
async function finish(handle: FileHandle, info: ObjectInfo, owner: Owner, owners: Owners): Promise<void> {
  await owners.giveFile(handle, owner)
  if (!Number.isNaN(info.lastModified)) {
    const time = info.lastModified / 1000
    await handle.utimes(time, time)
  }
  await handle.datasync()
}

function openJournal(local: LocalFile, of: RangesOf, anew: boolean): Promise<RangeJournal> {
  return RangeJournal.open(local.path, of, anew).catch((cause: unknown) => {
    throw unwritable(`cannot write beside ${local.path}`, local.path, cause)
  })
}

function strange(): TablesnapError {
  return new TablesnapError({ code: 'INTERNAL', message: 'a worker did another task' })
}

function* indices(count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield index
}
