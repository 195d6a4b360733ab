import { closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { join } from 'node:path'

import { TablesnapError, errorCode, errorMessage } from '../errors.js'
import { isOptional, parseComponent } from '../sstable/names.js'

import { readSmall } from './small-file.js'
import { identify, sameIdentity, type Found, type Identity } from './found.js'

/** A file held open for its upload. */
export interface OpenFile {
  readonly name: string
  readonly path: string
  readonly fd: number
  readonly stat: BigIntStats
  readonly identity: Identity
}

/** O_NONBLOCK: a FIFO under a component's name must not stop the daemon. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** The files of a set, pinned by descriptor: what Cassandra unlinks from now on can still be read. */
export class OpenSet {
  readonly files: OpenFile[] = []
  /** Files that are durable already, untouched since. */
  readonly unchanged: string[] = []
  /** Files that could not be opened although they are there. */
  readonly errors: TablesnapError[] = []
  /** A file that the set cannot do without is gone: Cassandra has removed it. */
  vanished = false

  /** Bytes of the files held open. */
  get bytes(): number {
    return this.files.reduce((sum, { identity }) => sum + identity.size, 0)
  }

  /** What its Digest.crc32 says of Data.db; undefined where there is none, or it cannot be read. */
  digest: number | undefined

  /** Opens what is not durable yet. Never throws for a single file, but TablesnapError `TOO_MANY_FILES`. */
  constructor(found: Found) {
    for (const name of found.names) {
      try {
        this.#open(found, name)
      } catch (error) {
        const code = errorCode(error)
        if (code === 'EMFILE' || code === 'ENFILE') {
          this.close()
          throw tooMany(error)
        }
        if (code === 'ENOENT') this.vanished ||= !isOptional(parseComponent(name)?.component ?? name)
        else this.errors.push(unreadable(join(found.directory, name), error))
      }
    }
    // A set that was uploaded before was judged then.
    if (this.files.length > 0) this.digest = digestOf(found)
  }

  close(): void {
    for (const file of this.files.splice(0)) closeSync(file.fd)
  }

  #open(found: Found, name: string): void {
    const path = join(found.directory, name)
    const durable = found.durable.get(name)
    const seen = durable === undefined ? undefined : identify(path)
    if (durable !== undefined && seen !== undefined && sameIdentity(durable, seen)) {
      this.unchanged.push(name)
      return
    }
    const fd = openSync(path, FLAGS)
    const stat = fstatSync(fd, { bigint: true })
    const identity = { size: Number(stat.size), mtime: stat.mtimeNs, inode: stat.ino }
    if (stat.isFile()) this.files.push({ name, path, fd, stat, identity })
    else closeSync(fd)
  }
}

/** Decimal, of the whole Data.db file, compressed or not. */
function digestOf({ directory, names }: Found): number | undefined {
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
    operation: 'open',
    retry: true,
    cause,
  })
}

function unreadable(path: string, cause: unknown): TablesnapError {
  const denied = errorCode(cause) === 'EACCES'
  return new TablesnapError({
    code: denied ? 'FILE_DENIED' : 'FILE_UNREADABLE',
    message: denied
      ? `${path} cannot be read by this user: run tablesnap as Cassandra's user or root`
      : `cannot open ${path}: ${errorMessage(cause)}`,
    operation: 'open',
    path,
    retry: true,
    cause,
  })
}
