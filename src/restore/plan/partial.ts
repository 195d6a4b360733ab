import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readFile, readdir, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { STAGING } from '../../cassandra/names.js'
import { errorCode } from '../../errors.js'
import type { CrcKind } from '../../transfer/download/digest.js'
import type { MomentFile } from '../read/moment.js'

/** The suffix of a file's journal. */
const JOURNAL = '.ranges'

/** The size of `stat`'s blocks, bytes; the file system's own blocks may be larger. */
const BLOCK = 512

/** The object that the ranges of a file were read from: ranges of another object are of no use. */
export interface RangesOf {
  readonly etag: string
  readonly size: number
  /** Bytes of every range but the last. */
  readonly range: number
  readonly crc: CrcKind
}

/** The name of a large file in staging: in every run that brings this content, so that the next goes on where one was cut short. */
export function partialName({ key, size, crc64 }: Pick<MomentFile, 'key' | 'size' | 'crc64'>): string {
  return createHash('sha256')
    .update(JSON.stringify([key, size, crc64 ?? '']))
    .digest('hex')
}

/** The name of the partial file that a name in staging belongs to; undefined where it belongs to none. */
export function partialOf(name: string): string | undefined {
  return /^([0-9a-f]{64})(\.ranges)?$/.exec(name)?.[1]
}

/** Removes a file in staging, and what is known of its ranges. */
export async function removeStaged(path: string): Promise<void> {
  await rm(`${path}${JOURNAL}`, { force: true })
  await rm(path, { force: true })
}

/** Bytes on the disk of what a run that was cut short has in staging of these files. @param base of the staging */
export async function partialBytes(base: string, files: Iterable<MomentFile>): Promise<number> {
  const directory = join(base, STAGING)
  const names = new Set((await readdir(directory).catch(() => [])).filter(name => partialOf(name) === name))
  if (names.size === 0) return 0
  let bytes = 0
  for (const file of files) {
    const name = partialName(file)
    if (!names.has(name)) continue
    const found = await stat(join(directory, name)).catch(() => undefined)
    bytes += (found?.blocks ?? 0) * BLOCK
  }
  return bytes
}

/** Opens a file in staging for reading and writing, with what a run before this one wrote of it. */
export async function openPartial(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const handle = await open(path, flags, 0o666).catch(() => undefined)
  const found = await handle?.stat()
  // A link to it may be in its place already: what is written here would be written there.
  if (handle !== undefined && found?.isFile() === true && found.nlink === 1) return handle
  await handle?.close()
  await removeStaged(path)
  return open(path, 'wx+', 0o666)
}

/** Opens a file in staging once more, for writing past the page cache; undefined where its file system has no such thing. */
export async function openPast(path: string): Promise<FileHandle | undefined> {
  return open(path, constants.O_WRONLY | constants.O_DIRECT | constants.O_NOFOLLOW).catch(() => undefined)
}

/**
 * Which ranges of a large file are in staging, with their checksums, in a file beside it. A range is entered once it is
 * written; whether the disk really has it, its checksum tells.
 */
export class RangeJournal {
  readonly #handle: FileHandle
  readonly #known: ReadonlyMap<number, string>

  private constructor(handle: FileHandle, known: ReadonlyMap<number, string>) {
    this.#handle = handle
    this.#known = known
  }

  /**
   * @param path of the file in staging
   * @param anew forget what there is
   */
  static async open(path: string, of: RangesOf, anew: boolean): Promise<RangeJournal> {
    const journal = `${path}${JOURNAL}`
    const head = JSON.stringify(of)
    const known = anew ? undefined : await readRanges(journal, head)
    const handle = await open(
      journal,
      constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      if (known === undefined) await handle.truncate(0)
      // The line that a kill cut off ends here.
      await handle.write(known === undefined ? `${head}\n` : '\n')
    } catch (error) {
      await handle.close()
      throw error
    }
    return new RangeJournal(handle, known ?? new Map())
  }

  /** The checksum of a range that a run before this one wrote, hex. */
  crcOf(index: number): string | undefined {
    return this.#known.get(index)
  }

  /** @param crc hex */
  async add(index: number, crc: string): Promise<void> {
    await this.#handle.write(`${index} ${crc}\n`)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** @returns undefined where nothing is known, or of something else */
async function readRanges(journal: string, head: string): Promise<Map<number, string> | undefined> {
  const text = await readFile(journal, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  })
  const [first, ...lines] = text.split('\n')
  if (first !== head) return undefined
  const known = new Map<number, string>()
  for (const line of lines) {
    const [, index, crc] = /^(\d+) ([0-9a-f]{8,16})$/.exec(line) ?? []
    if (index !== undefined && crc !== undefined) known.set(Number(index), crc)
  }
  return known
}
