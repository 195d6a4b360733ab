import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { isMutable, isTemporary, parseComponent } from '../../cassandra/names.js'
import { TablesnapError, isAbsent } from '../../errors.js'
import { headObject } from '../../s3/object.js'
import { checkFile, hasCrc64, type CheckDeps } from '../../transfer/verify.js'
import type { MomentFile, MomentSet } from '../read/moment.js'

/** The files that a directory of the target has already. */
export interface LocalDirectory {
  readonly path: string
  readonly names: ReadonlySet<string>
  /** Names of the components of every SSTable, by its name. */
  readonly sets: ReadonlyMap<string, readonly string[]>
}

/** How a set that is to be restored stands to what is there already; names of files. */
export interface SetState {
  /** There already, with the object's content. */
  readonly same: readonly string[]
  readonly absent: readonly MomentFile[]
  /** There with other content. */
  readonly different: readonly MomentFile[]
  /** There with other content, beside the same Data.db, and of the kind that Cassandra rewrites itself. */
  readonly rewritten: readonly MomentFile[]
  /** Components of another SSTable of that name, which the moment does not have. */
  readonly extra: readonly string[]
  /** Something that is no file is in the place of one. */
  readonly blocked: readonly string[]
}

/** Reads a directory of the target; one that does not exist is empty. */
export async function readLocal(path: string): Promise<LocalDirectory> {
  const names = await readdir(path).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
  const sets = new Map<string, string[]>()
  for (const name of names) {
    const set = isTemporary(name) ? undefined : parseComponent(name)?.set
    if (set === undefined) continue
    const known = sets.get(set)
    if (known === undefined) sets.set(set, [name])
    else known.push(name)
  }
  return { path, names: new Set(names), sets }
}

/**
 * Compares a set with what is there: by size, then by the checksum of its state, else by the object's own.
 * @throws S3Error; TablesnapError `FILE_UNREADABLE`, `OBJECT_GONE`
 */
export async function compareSet(deps: CheckDeps, set: MomentSet, local: LocalDirectory): Promise<SetState> {
  const same: string[] = []
  const absent: MomentFile[] = []
  const different: MomentFile[] = []
  const blocked: string[] = []
  for (const file of set.files) {
    if (!local.names.has(file.name)) absent.push(file)
    else {
      const state = await compareFile(deps, file, join(local.path, file.name))
      if (state === 'same') same.push(file.name)
      else if (state === 'other') different.push(file)
      else if (state === 'absent') absent.push(file)
      else blocked.push(file.name)
    }
  }
  const named = new Set(set.files.map(({ name }) => name))
  const unnamed = (local.sets.get(set.name) ?? []).filter(name => !named.has(name))
  // Cassandra makes Summary, Filter and SAI files anew: beside the same Data.db they are its own.
  const own = same.includes(`${set.name}-Data.db`)
  const isOwn = ({ name }: MomentFile) => own && isMutable(parseComponent(name)?.component ?? '')
  return {
    same,
    absent,
    different: different.filter(file => !isOwn(file)),
    rewritten: different.filter(isOwn),
    extra: own ? [] : unnamed,
    blocked,
  }
}

async function compareFile(
  deps: CheckDeps,
  file: MomentFile,
  path: string,
): Promise<'same' | 'other' | 'absent' | 'blocked'> {
  deps.signal?.throwIfAborted()
  const found = await lstat(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw error
  })
  if (found === undefined) return 'absent'
  if (!found.isFile()) return 'blocked'
  if (found.size !== file.size) return 'other'
  const { crc64 } = file
  const info = crc64 === undefined ? await headObject(deps.client, file.key, deps.signal) : undefined
  if (crc64 === undefined && info === undefined) throw gone(file.key)
  if (info !== undefined && info.size !== file.size) return 'other'
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  try {
    const local = { fd: handle.fd, path }
    if (info === undefined) return (await hasCrc64(deps, local, file.size, crc64)) ? 'same' : 'other'
    const check = await checkFile(deps, local, file.key, info)
    // A restored file has the object's time. Where the server knows no checksum, this time is the best evidence.
    if (check.match === 'unknown') return sameSecond(found.mtimeMs, info.lastModified) ? 'same' : 'other'
    return check.match
  } finally {
    await handle.close()
  }
}

function sameSecond(a: number, b: number): boolean {
  return Math.floor(a / 1000) === Math.floor(b / 1000)
}

function unreadable(path: string, cause: unknown): TablesnapError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `cannot compare ${path} with its object: ${why}`
  return new TablesnapError({ code: 'FILE_UNREADABLE', message, step: { operation: 'open', path }, cause })
}

/** The error of an object that was listed and is not there any more. */
export function gone(key: string): TablesnapError {
  const message = `${key} was deleted while it was to be restored: start again`
  return new TablesnapError({ code: 'OBJECT_GONE', message, step: { operation: 'restore', key } })
}
