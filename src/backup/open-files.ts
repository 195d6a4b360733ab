import { closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { basename, join } from 'node:path'

import { identify, sameIdentity, type FileIdentity } from '../cassandra/file-identity.js'
import { isOptional, parseComponent } from '../cassandra/names.js'
import { readSmall } from '../cassandra/small-file.js'
import { TablesnapError, errorCode, errorMessage } from '../errors.js'
import type { Ready } from '../tables/ports.js'

import type { Pinned } from './ports.js'

/** A file held open for its upload. */
export interface OpenFile {
  readonly name: string
  readonly path: string
  readonly fd: number
  readonly stat: BigIntStats
  readonly identity: FileIdentity
}

/** O_NONBLOCK: a FIFO under a component's name must not stop the daemon. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * The files of an SSTable, held open for their upload: what Cassandra unlinks from now on can still be read. Files that are in
 * the bucket as they are now are not opened.
 */
export class OpenFiles implements Pinned {
  readonly files: OpenFile[] = []
  /** Names of files that are in the bucket as they are now. */
  readonly unchanged: string[] = []
  /** Files that could not be opened although they are there. */
  readonly errors: TablesnapError[] = []
  /** The CRC-32 that its Digest.crc32 says Data.db has; undefined where there is none, or it cannot be read. */
  readonly digest: number | undefined
  #isGone = false

  /** Never throws for a single file. @throws TablesnapError `TOO_MANY_FILES` */
  constructor(ready: Ready) {
    for (const name of ready.names) {
      try {
        this.#open(ready, name)
      } catch (error) {
        const code = errorCode(error)
        if (code === 'EMFILE' || code === 'ENFILE') {
          this.close()
          throw tooMany(error)
        }
        if (code === 'ENOENT') this.#isGone ||= !isOptional(parseComponent(name)?.component ?? name)
        else this.errors.push(unreadable(join(ready.files.directory, name), error))
      }
    }
    // Data.db was compared with Digest.crc32 when both were uploaded.
    this.digest = this.files.length > 0 ? digestOf(ready) : undefined
  }

  get descriptors(): number {
    return this.files.length
  }

  get bytes(): number {
    return this.files.reduce((sum, { identity }) => sum + identity.size, 0)
  }

  get isGone(): boolean {
    return this.#isGone
  }

  close(): void {
    for (const file of this.files.splice(0)) closeSync(file.fd)
  }

  #open({ files, durable }: Ready, name: string): void {
    const path = join(files.directory, name)
    const uploaded = durable.get(name)
    const seen = uploaded === undefined ? undefined : identify(path)
    if (uploaded !== undefined && seen !== undefined && sameIdentity(uploaded, seen)) {
      this.unchanged.push(name)
      return
    }
    const file = openFile(path, name)
    if (file !== undefined) this.files.push(file)
  }
}

/**
 * Opens a file for its upload; undefined: it is no regular file. The caller closes it.
 * @param name of the file, as others keep it: one that is cut out of the path would keep the whole path in memory
 * @throws ErrnoException
 */
export function openFile(path: string, name = basename(path)): OpenFile | undefined {
  const fd = openSync(path, FLAGS)
  try {
    const stat = fstatSync(fd, { bigint: true })
    const identity = { size: Number(stat.size), mtime: stat.mtimeNs, inode: stat.ino }
    if (stat.isFile()) return { name, path, fd, stat, identity }
    closeSync(fd)
    return undefined
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Decimal, of the whole Data.db file, compressed or not. */
function digestOf({ files: { directory }, names }: Ready): number | undefined {
  const name = names.find(name => name.endsWith('-Digest.crc32'))
  if (name === undefined) return undefined
  try {
    const text = readSmall(join(directory, name))?.trim() ?? ''
    return /^\d{1,10}$/.test(text) ? Number(text) : undefined
  } catch {
    return undefined
  }
}

function tooMany(cause: unknown): TablesnapError {
  return new TablesnapError({
    code: 'TOO_MANY_FILES',
    message: 'this process may open no more files: raise its limit (LimitNOFILE, ulimit -n)',
    step: { operation: 'open' },
    retry: true,
    cause,
  })
}

/** The error of a file that is there and cannot be opened. */
export function unreadable(path: string, cause: unknown): TablesnapError {
  const denied = errorCode(cause) === 'EACCES'
  return new TablesnapError({
    code: denied ? 'FILE_DENIED' : 'FILE_UNREADABLE',
    message: denied
      ? `${path} cannot be read by this user: run tablesnap as Cassandra's user or root`
      : `cannot open ${path}: ${errorMessage(cause)}`,
    step: { operation: 'open', path },
    retry: true,
    cause,
  })
}
