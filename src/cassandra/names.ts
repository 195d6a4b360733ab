/** A file name as Cassandra builds it: what names the set, and which of its components it is. */
export interface ComponentName {
  /** Everything before the component: `nb-4-big`, `ks-table-jb-1`. With the directory it names one set. */
  readonly set: string
  /** `Data.db`, `TOC.txt`, `SAI+aa+idx+Meta.db`, … */
  readonly component: string
  /** Version letters: `nb`, `da`, `jb`, `hc`. */
  readonly version: string
  /** Generation number, or the UUID id of 4.1 and later. */
  readonly generation: string
}

/** Up to 2.1: `ks-table-jb-1-Data.db`, `cf-f-1-Data.db`; keyspaces and tables have no hyphen in their names. */
const LEGACY = /^((?:[^-]+-){1,2})([a-z]{1,2})-(\d+)-([A-Z].*)$/

/** Since 2.2: `nb-4-big-Data.db`, `da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti-Data.db`; the format's name is no version's. */
const MODERN = /^([a-z]{2})-([^-]+)-([a-z]{3,})-([A-Z].*)$/

/** The endings of component names; needed for SSTables of an unknown format. */
const ENDINGS = /\.(db|crc32|adler32|sha1|txt)$/

/** Takes a file name apart; undefined when it is no SSTable component. Names from 0.7 to 6.0. */
export function parseComponent(name: string): ComponentName | undefined {
  const legacy = LEGACY.exec(name)
  if (legacy !== null) {
    const [, table = '', version = '', generation = '', component = ''] = legacy
    if (ENDINGS.test(component))
      return { set: `${table}${version}-${generation}`, component, version, generation }
  }
  const modern = MODERN.exec(name)
  if (modern === null) return undefined
  const [, version = '', generation = '', format = '', component = ''] = modern
  if (format !== 'big' && format !== 'bti' && !ENDINGS.test(component)) return undefined
  return { set: `${version}-${generation}-${format}`, component, version, generation }
}

/**
 * Files that are still being written, and Cassandra's transaction logs: never uploaded. Up to 2.1 they are called
 * `ks-table-tmp-jb-1-Data.db` and `ks-table-tmplink-ka-1-Data.db`, in 2.2 `tmp-la-1-big-Data.db`.
 */
export function isTemporary(name: string): boolean {
  return /(^|-)tmp(link)?-/.test(name) || name.endsWith('.tmp') || isTxnLog(name)
}

/** `nb_txn_flush_<uuid>.log`, `bti-da_txn_compaction_<uuid>.log`. */
export function isTxnLog(name: string): boolean {
  // A regular expression would search every part of a long name anew.
  return name.endsWith('.log') && name.includes('_txn_')
}

/**
 * Whether a transaction can only add sets, by the operation in its log's name (Cassandra's OperationType): memtables that
 * are flushed, and sets that another node streams.
 */
export function isAddition(txnLog: string): boolean {
  return /_txn_(flush|stream)_[^_]*\.log$/.test(txnLog)
}

/** The directories Cassandra fills with hardlinks of its SSTables. */
export const SNAPSHOTS = 'snapshots'
export const BACKUPS = 'backups'

/** Our own staging directory, never watched and never uploaded. */
export const STAGING = '.tablesnap-restore'

/** The start of the names of directories into which a restore moves SSTables that do not belong to the restore point. */
const ASIDE = '.tablesnap-replaced-'

/** The name of such a directory. @param time of the restore, ms since 1970 */
export function asideName(time: number): string {
  return `${ASIDE}${new Date(time).toISOString().replace(/[-:.]/g, '')}`
}

/** Whether a directory is one, by its name: never watched, never uploaded. */
export function isAside(name: string): boolean {
  return name.startsWith(ASIDE)
}

/** Components without which Cassandra reads a set all the same: it rebuilds or ignores them. */
export function isOptional(component: string): boolean {
  return /^(Filter\.db|Summary\.db|TOC\.txt|CRC\.db|Digest\..*|SAI.*|SI_.*)$/.test(component)
}

/**
 * Components that Cassandra may rewrite after the SSTable is complete. The files of a storage-attached (`SAI`) or a SASI (`SI_`)
 * index are written when the index is built, and each of them changes TOC.txt once more.
 */
export function isMutable(component: string): boolean {
  return /^(Statistics\.db|Summary\.db|TOC\.txt|SAI.*|SI_.*)$/.test(component)
}

/** Whether a set is of Cassandra 3.0 or later, which writes transaction logs; 2.2 wrote `la-1-big`. */
export function hasTransactions(set: string): boolean {
  return /^[a-z]{2}-[^-]+-[a-z]{3,}$/.test(set) && !set.startsWith('l')
}

/** The generation number of a set from before 4.1; NaN where it has none. */
export function generationOf(set: string): number {
  return Number(/-(\d+)(-[a-z]{3,})?$/.exec(set)?.[1])
}

/** The order in which the files of an SSTable may be deleted or moved away: without Data.db Cassandra takes the others for leftovers. */
export function dataFirst(names: readonly string[]): string[] {
  return [...names].sort((a, b) => Number(b.endsWith('-Data.db')) - Number(a.endsWith('-Data.db')))
}
