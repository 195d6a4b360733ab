import { LISTING_SUFFIX } from '../../bucket-names.js'
import {
  BACKUPS,
  SNAPSHOTS,
  isOptional,
  isTemporary,
  isTxnLog,
  parseComponent,
} from '../../cassandra/names.js'
import type { Logger } from '../../report/logger.js'

import type { CatalogDirectory, Entry } from './catalog.js'

/** A file that a moment has. */
export interface MomentFile extends Entry {
  readonly name: string
  /** CRC-64/NVME of the content, 16 hex digits, where a state says it. */
  readonly crc64?: string | undefined
}

/** An object that a moment names and the bucket has not. */
export interface Missing {
  readonly key: string
  /** A phrase, e.g. `is missing from the bucket`. */
  readonly reason: string
  /** Bytes of the object that is there, and is not what was promised. */
  readonly size?: number
}

/** Files that come together or not at all: the components of one SSTable, or one file that is none. */
export interface MomentSet {
  /** Absolute, as on the node the objects came from. */
  readonly directory: string
  /** What the components' names begin with; of a file that is no component, its name. */
  readonly name: string
  readonly files: readonly MomentFile[]
  readonly missing: readonly Missing[]
  /** Whether nothing is missing that Cassandra cannot do without. */
  readonly whole: boolean
  /** Whether a state promises its files: what is missing then is damage. */
  readonly promised?: boolean
  /** Whether its Data.db was not what its Digest says when it was backed up. */
  readonly corrupt?: boolean
}

/** A moment's names with what else decides about them. */
export interface Named {
  /** Undefined: every object of the directory. */
  readonly names: ReadonlySet<string> | undefined
  /** Whether a name is known to be a directory's. */
  readonly isDirectory: (name: string) => boolean
  /** With names undefined: transaction logs, too. */
  readonly everything: boolean
}

/** A set while its names are gathered. */
interface Gathered {
  readonly name: string
  readonly files: MomentFile[]
  readonly missing: Missing[]
  readonly components: Set<string>
  readonly version: string | undefined
  whole: boolean
}

/**
 * What a directory had at a moment, by what its listing names: set by set, and what the bucket lacks of it. Names of
 * directories, of temporary files that nobody uploads, and of listings are no files that could be missing.
 */
export function momentOf(directory: CatalogDirectory, named: Named, log: Logger): MomentSet[] {
  const { names, isDirectory } = named
  const sets = new Map<string, Gathered>()
  for (const name of names ?? directory.files.keys()) {
    const entry = directory.files.get(name)
    if (isTxnLog(name) && !(named.everything && entry !== undefined)) {
      // At its next start Cassandra deletes what an unfinished one names.
      if (entry !== undefined)
        log.info(`Left out ${entry.key}: a transaction log would make Cassandra delete SSTables`)
      continue
    }
    if (
      entry === undefined &&
      (isTemporary(name) || name.endsWith(LISTING_SUFFIX) || isDirectory(name) || isReserved(name))
    ) {
      log.debug(`${keyOf(directory, name)} is named by the listing, and no file that is backed up`)
      continue
    }
    if (isTxnLog(name))
      log.warn(`${keyOf(directory, name)} is a transaction log: delete it before Cassandra starts`)
    gather(sets, directory, name, entry)
  }
  if (names !== undefined) {
    for (const gathered of sets.values()) complete(directory, gathered, log)
  }
  return [...sets.values()].map(({ name, files, whole, ...set }) => ({
    directory: directory.path,
    name,
    files,
    missing: set.missing,
    whole,
  }))
}

/** Says that there is no such object. */
export function missing(key: string): Missing {
  return { key, reason: 'is missing from the bucket' }
}

/** Names that Cassandra gives to directories only: `snapshots`, `backups`, and those of secondary indexes. */
function isReserved(name: string): boolean {
  return name === SNAPSHOTS || name === BACKUPS || name.startsWith('.')
}

function gather(
  sets: Map<string, Gathered>,
  directory: CatalogDirectory,
  name: string,
  entry: Entry | undefined,
): void {
  const parsed = isTemporary(name) ? undefined : parseComponent(name)
  // No set's name has a slash.
  const id = parsed?.set ?? `/${name}`
  let gathered = sets.get(id)
  if (gathered === undefined) {
    const version = parsed?.version
    gathered = {
      name: parsed?.set ?? name,
      files: [],
      missing: [],
      components: new Set(),
      version,
      whole: true,
    }
    sets.set(id, gathered)
  }
  if (parsed !== undefined) gathered.components.add(parsed.component)
  if (entry !== undefined) {
    gathered.files.push({ ...entry, name })
    return
  }
  gathered.missing.push(missing(keyOf(directory, name)))
  if (parsed === undefined || !isOptional(parsed.component)) gathered.whole = false
}

/**
 * Adds components that a listing was too early for: upstream wrote it when Data.db was closed, which is before
 * Statistics.db is made, and without that Cassandra skips an SSTable in silence. TOC.txt comes last of all: a listing that
 * names it names the whole set.
 */
function complete(directory: CatalogDirectory, gathered: Gathered, log: Logger): void {
  const { name: set, components, version } = gathered
  if (version === undefined || !components.has('Data.db')) return
  const modern = /-[a-z]{3,}$/.test(set)
  const trie = set.endsWith('-bti')
  const needed = [
    ...(trie ? ['Partitions.db', 'Rows.db'] : ['Index.db']),
    ...(modern || version >= 'g' ? ['Statistics.db'] : []),
  ]
  for (const component of [...needed, 'CompressionInfo.db']) {
    if (components.has(component)) continue
    const name = `${set}-${component}`
    const entry = directory.files.get(name)
    if (entry !== undefined) {
      log.info(
        `${entry.key} is restored as well: Cassandra needs it, and the upstream listing was written before it`,
        {
          key: entry.key,
        },
      )
      gathered.files.push({ ...entry, name })
    } else if (component !== 'CompressionInfo.db' && !components.has('TOC.txt')) {
      gathered.missing.push(missing(keyOf(directory, name)))
    }
  }
}

/** The key of a name that the bucket may lack: beside the directory's listing. */
function keyOf({ listing, files, path }: CatalogDirectory, name: string): string {
  const sibling = files.get(name)?.key ?? listing?.key
  return sibling === undefined
    ? `${path}/${name}`
    : `${sibling.slice(0, sibling.lastIndexOf('/') + 1)}${name}`
}
