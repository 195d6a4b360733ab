import { basename, dirname, join, resolve } from 'node:path'

import { isOptional, isTemporary, isTxnLog, parseComponent } from '../../cassandra/names.js'
import { unitOf } from '../../cassandra/unit.js'
import { eachOf } from '../../concurrency.js'
import type { TablesnapError } from '../../errors.js'
import { MAX_KEY, type KeyLayout } from '../../manifest/keys.js'
import { corrupt } from '../../manifest/manifest.js'
import type { Entry as StateEntry, State, StateSet } from '../../manifest/state.js'
import type { S3Client } from '../../s3/client.js'
import { headObject } from '../../s3/object.js'

import type { Catalog, Entry } from './catalog.js'
import { missing, type Missing, type MomentFile, type MomentSet } from './moment.js'

/** Objects looked for at once where the listing has no word of them. */
const LOOKS = 8

/** What a state's sets are made with. */
export interface StateSetsDeps {
  /** Of the manifest. */
  readonly key: string
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly catalog: Catalog
  /** Whether a directory is asked for. */
  readonly wanted: (directory: string) => boolean
  /** Whether the catalog has every object of the node, or only those of the directories that are asked for. */
  readonly complete: boolean
  readonly signal?: AbortSignal | undefined
}

/** A file that a state names, on the way to its object. */
interface Named {
  readonly path: string
  readonly key: string
  readonly entry: StateEntry
}

/**
 * The sets of a state in the directories that are asked for, each file with its object.
 * @returns by directory; a set that was not in the bucket at that moment has no files
 * @throws S3Error; TablesnapError `STATE_CORRUPT` for a path or a key that can be none of the unit's
 */
export async function setsOf(state: State, deps: StateSetsDeps): Promise<Map<string, MomentSet[]>> {
  const { wanted } = deps
  checkPaths(state, deps.key)
  const unprotected = new Set(state.unprotected)
  const groups = new Map<string, { set: StateSet | undefined; files: Named[] }>()
  const named = (path: string, entry: StateEntry): Named => ({
    path,
    entry,
    key: keyOf(deps, path, entry),
  })
  for (const [path, set] of state.sets) {
    if (!wanted(dirname(path)) || unprotected.has(path)) continue
    const files = [...set.components].map(([component, entry]) => named(`${path}-${component}`, entry))
    groups.set(path, { set, files })
  }
  for (const [path, entry] of state.files) {
    // At its next start Cassandra deletes what an unfinished one names.
    if (!wanted(dirname(path)) || unprotected.has(path) || isTxnLog(path)) continue
    groups.set(`${path}/`, { set: undefined, files: [named(path, entry)] })
  }
  const objects = await look(
    [...groups.values()].flatMap(({ files }) => files),
    deps,
  )
  const sets = new Map<string, MomentSet[]>()
  const put = (set: MomentSet): void => {
    const others = sets.get(set.directory)
    if (others === undefined) sets.set(set.directory, [set])
    else others.push(set)
  }
  for (const [id, { set, files }] of groups) put(momentSet(resolve(id), set, files, objects))
  for (const path of new Set([...unprotected, ...state.unexplained])) {
    if (wanted(dirname(path)) && !groups.has(path))
      put({ directory: dirname(path), name: basename(path), files: [], missing: [], whole: false })
  }
  return sets
}

function momentSet(
  path: string,
  set: StateSet | undefined,
  files: readonly Named[],
  objects: (key: string) => Entry | undefined,
): MomentSet {
  const found: MomentFile[] = []
  const lacking: Missing[] = []
  let whole = true
  for (const { path: file, key, entry } of files) {
    const object = objects(key)
    if (object?.size === entry.size) {
      const { crc64 } = entry
      found.push({ ...object, key, name: basename(file), crc64 })
      continue
    }
    lacking.push(
      object === undefined
        ? missing(key)
        : {
            key,
            size: object.size,
            reason: `has ${object.size} bytes in the bucket, and by its state ${entry.size}`,
          },
    )
    if (set === undefined || !isOptional(file.slice(path.length + 1))) whole = false
  }
  return {
    directory: dirname(path),
    name: basename(path),
    files: found,
    missing: lacking,
    whole,
    promised: true,
    corrupt: set?.corrupt === true,
  }
}

/** Looks for objects in the catalog, and in the bucket for those that it cannot have. */
async function look(
  files: readonly Named[],
  deps: StateSetsDeps,
): Promise<(key: string) => Entry | undefined> {
  const { catalog, client, complete, signal } = deps
  const elsewhere = new Map<string, Entry>()
  const unknown = complete ? [] : files.filter(({ key }) => catalog.find(key) === undefined)
  await eachOf(new Set(unknown.map(({ key }) => key)), LOOKS, async key => {
    const info = await headObject(client, key, signal)
    if (info !== undefined) elsewhere.set(key, { key, size: info.size, lastModified: info.lastModified })
  })
  return key => catalog.find(key) ?? elsewhere.get(key)
}

/** An object that is none of the node's files is never fetched. */
function keyOf({ key: own, keys }: StateSetsDeps, path: string, { key }: StateEntry): string {
  if (key === undefined) {
    const plain = `${keys.files}${path}`
    if (Buffer.byteLength(plain) <= MAX_KEY) return plain
    throw corrupt(own, `it names ${path}, whose key would be too long`)
  }
  if (key.startsWith(keys.versions) || key.startsWith(keys.files)) return key
  throw corrupt(
    own,
    `it names ${JSON.stringify(key.slice(0, 200))} for ${path}, which is no key of this node's files`,
  )
}

/** A path leads into the unit that the state is of, or the state is not believed at all. */
function checkPaths(state: State, key: string): void {
  const { unit, sets, files, unprotected, unexplained, directories } = state
  for (const path of [...sets.keys(), ...files.keys(), ...unprotected, ...unexplained]) {
    if (path === '/' || !isPlain(path) || unitOf(dirname(path)) !== unit) throw stray(key, path)
  }
  for (const path of files.keys()) {
    const name = basename(path)
    if (!isTemporary(name) && parseComponent(name)?.component === 'Data.db')
      throw corrupt(key, `it names ${path} without the set that it belongs to`)
  }
  for (const path of directories.keys()) if (!isPlain(path) || unitOf(path) !== unit) throw stray(key, path)
}

function isPlain(path: string): boolean {
  return (
    path.startsWith('/') &&
    !path.includes('\0') &&
    join(path) === path &&
    (path === '/' || !path.endsWith('/'))
  )
}

function stray(key: string, path: string): TablesnapError {
  return corrupt(key, `it names ${JSON.stringify(path.slice(0, 200))}, which is no path of the unit`)
}
