import { randomBytes, randomUUID } from 'node:crypto'
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** Components of a set of Cassandra 3.0 to 6.0 in BIG format, in the order in which a flush closes them. */
const MODERN = [
  'Filter.db',
  'Index.db',
  'Summary.db',
  'Digest.crc32',
  'CompressionInfo.db',
  'Data.db',
  'Statistics.db',
]

/** Components of a set of Cassandra 2.0, in the order in which they are renamed. */
const LEGACY = [
  'Index.db',
  'Filter.db',
  'Statistics.db',
  'Summary.db',
  'CompressionInfo.db',
  'TOC.txt',
  'Data.db',
]

/** Files of one set that {@link writeModern} and {@link writeLegacy} leave. */
export const MODERN_FILES = MODERN.length + 1
export const LEGACY_FILES = LEGACY.length

/** Bytes of the components beside Data.db. */
const SMALL = 4_096

/**
 * Writes a set as a modern node flushes one: under its final names, guarded by a transaction log.
 * @param bytes of Data.db
 */
export async function writeModern(directory: string, generation: number, bytes: number): Promise<void> {
  await mkdir(directory, { recursive: true })
  const set = `nb-${generation}-big`
  const txn = join(directory, `nb_txn_flush_${randomUUID()}.log`)
  await writeFile(txn, `ADD:[${join(directory, set)}-,0,8][${randomBytes(4).readUInt32BE()}]\n`)
  const data = randomBytes(bytes)
  for (const component of MODERN) {
    const content =
      component === 'Data.db' ? data : component === 'Digest.crc32' ? String(crc32(data)) : randomBytes(SMALL)
    await writeFile(join(directory, `${set}-${component}`), content)
  }
  await writeFile(join(directory, `${set}-TOC.txt`), [...MODERN, 'TOC.txt'].join('\n'))
  await appendFile(txn, `COMMIT:[,0,0][${randomBytes(4).readUInt32BE()}]\n`)
  await rm(txn)
}

/**
 * Writes a set as nodes before 3.0 do: under `-tmp-` names, which are then renamed one by one.
 * @param bytes of Data.db
 */
export async function writeLegacy(
  directory: string,
  table: string,
  generation: number,
  bytes: number,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  const name = (tmp: string, component: string) =>
    join(directory, `demo-${table}-${tmp}jb-${generation}-${component}`)
  for (const component of LEGACY) {
    const content =
      component === 'Data.db'
        ? randomBytes(bytes)
        : component === 'TOC.txt'
          ? LEGACY.join('\n')
          : randomBytes(SMALL)
    await writeFile(name('tmp-', component), content)
  }
  for (const component of LEGACY) await rename(name('tmp-', component), name('', component))
}
