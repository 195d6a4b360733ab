import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
  statfsSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { BenchFailure } from './failure.js'
import { MIB } from './figure.js'
import { program } from './program.js'

const run = promisify(execFile)

/** Bytes of the components of a small set, as a flush of a few rows leaves them. */
const SMALL_SET: Readonly<Record<string, number>> = {
  'Data.db': 4096,
  'Index.db': 220,
  'Filter.db': 24,
  'Summary.db': 92,
  'Statistics.db': 5200,
  'CompressionInfo.db': 47,
  'Digest.crc32': 10,
}

/** The files of one small set. */
export const FILES_OF_SET = Object.keys(SMALL_SET).length + 1

const SMALL_TOC = [...Object.keys(SMALL_SET), 'TOC.txt', ''].join('\n')

/** Bytes of one small set. */
export const SET_BYTES = Object.values(SMALL_SET).reduce((sum, bytes) => sum + bytes, SMALL_TOC.length)

/** Older than any settle time. */
const PAST_SECONDS = 3600

/** File systems whose page cache behaves as a node's does, by the number in statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = { 0xef53: 'ext4', 0x58465342: 'xfs' }

/** The name of the file system that a folder is on; undefined for one that measurements should not be made on. */
export function fileSystem(folder: string): string | undefined {
  return FILE_SYSTEMS[statfsSync(folder).type]
}

/** @throws BenchFailure when a folder has not so many bytes left */
export function checkSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize > bytes * 1.05) return
  throw new BenchFailure(
    `${folder} has ${Math.floor((bavail * bsize) / MIB)} MiB left, and ${Math.ceil(bytes / MIB)} MiB are needed: --work FOLDER or a smaller --size`,
  )
}

/**
 * A table with one SSTable, whose Data.db has so many bytes that do not compress; it is on the disk when this returns.
 * @returns the path of Data.db
 */
export function bigTable(folder: string, bytes: number): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'nb-1-big-Data.db')
  const block = randomBytes(8 * MIB)
  const file = openSync(path, 'w')
  try {
    for (let at = 0; at < bytes; at += block.length) {
      // No two blocks are the same.
      block.writeBigUInt64LE(BigInt(at))
      writeSync(file, block, 0, Math.min(block.length, bytes - at))
    }
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  writeFileSync(join(folder, 'nb-1-big-TOC.txt'), 'Data.db\nTOC.txt\n')
  age(folder, ['nb-1-big-Data.db', 'nb-1-big-TOC.txt'])
  return path
}

/** A table of so many small sets. @param first generation of the first */
export function smallTable(folder: string, sets: number, first = 1): void {
  mkdirSync(folder, { recursive: true })
  for (let set = first; set < first + sets; set++) age(folder, smallSet(folder, set))
}

/** The names of a small set's files, TOC.txt last. */
export function smallNames(generation: number): string[] {
  return [...Object.keys(SMALL_SET), 'TOC.txt'].map(component => `nb-${generation}-big-${component}`)
}

/** Writes one small set. @returns its names, TOC.txt last */
export function smallSet(folder: string, generation: number): string[] {
  const names = smallNames(generation)
  for (const [i, bytes] of Object.values(SMALL_SET).entries())
    writeFileSync(join(folder, names[i] ?? ''), randomBytes(bytes))
  writeFileSync(join(folder, names.at(-1) ?? ''), SMALL_TOC)
  return names
}

function age(folder: string, names: readonly string[]): void {
  const past = Date.now() / 1000 - PAST_SECONDS
  for (const name of names) utimesSync(join(folder, name), past, past)
}

/** Which pages of a file are in the page cache: one byte for each, 1 or 0. */
export async function residentPages(path: string): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: 2 ** 30 } as const
  return (await run(await program('pages'), ['map', path], options)).stdout
}

/** Reads a part of a file into the page cache, bytes; the whole file unless told otherwise. */
export async function warm(path: string, from = 0, to = statSync(path).size): Promise<void> {
  await run(await program('pages'), ['warm', path, String(from), String(to)])
}

/** Writes a file back and drops its pages. */
export async function evict(path: string): Promise<void> {
  await run(await program('pages'), ['evict', path])
}

/** Makes sure that a whole file is in the page cache. @throws BenchFailure when it does not fit */
export async function keepWarm(path: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (!(await residentPages(path)).includes(0)) return
    await warm(path)
  }
  throw new BenchFailure(`${path} does not stay in the page cache: choose a smaller --size, or free memory`)
}
