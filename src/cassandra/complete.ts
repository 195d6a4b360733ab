import { isOptional } from './names.js'

/** A set as it lies in its directory. */
export interface SetFiles {
  /** Components that exist. */
  readonly components: ReadonlySet<string>
  /** The components that TOC.txt lists; undefined if there is no TOC.txt. */
  readonly toc: readonly string[] | undefined
  /** Version letters of its names. */
  readonly version: string
}

/** The knowledge about an SSTable besides its files. */
export interface SetHistory {
  /** A transaction log that has not committed names it as being written. */
  readonly written: boolean
  /** A transaction log that committed names it as obsolete: its files are about to go. */
  readonly obsolete: boolean
  /** A transaction log that wrote it was seen and has ended: no quiet time is needed. */
  readonly settled: boolean
  /** How long no file of it has changed, ms. */
  readonly quiet: number
}

/** `complete`; `written` by an open transaction; `waiting` for missing files; `settling` for `wait` ms; `obsolete`. */
export type Verdict =
  | { readonly state: 'complete' | 'obsolete' | 'written' }
  | { readonly state: 'waiting'; readonly missing: readonly string[] }
  | { readonly state: 'settling'; readonly wait: number }

/** Components that decide about a set without a TOC.txt. */
export const BASIC = ['Data.db', 'Index.db', 'Partitions.db', 'Rows.db', 'Statistics.db'] as const

/** Further components that a set may have without a TOC.txt that lists them, as after streaming. */
export const STANDARD = [
  'CompressionInfo.db',
  'Filter.db',
  'Summary.db',
  'CRC.db',
  'Digest.crc32',
  'TOC.txt',
] as const

/** The components listed in a TOC.txt. */
export function parseToc(content: string): string[] {
  return content
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
}

/** Judges whether a set is complete. @param settle quiet time that a set without a transaction log needs, ms */
export function judge(files: SetFiles, history: SetHistory, settle: number): Verdict {
  if (history.obsolete) return { state: 'obsolete' }
  if (history.written) return { state: 'written' }
  const missing = missingOf(files)
  if (missing.length > 0) return { state: 'waiting', missing }
  if (history.settled || history.quiet >= settle) return { state: 'complete' }
  return { state: 'settling', wait: settle - history.quiet }
}

/** Components that a set must have and lacks. */
function missingOf({ components, toc, version }: SetFiles): string[] {
  const lacks = (component: string) => !components.has(component)
  // An empty one is just being written, or lost its content in a crash: it says nothing.
  if (toc !== undefined && toc.length > 0) {
    return [...new Set(['Data.db', ...toc])].filter(component => lacks(component) && !isOptional(component))
  }
  const missing = ['Data.db'].filter(lacks)
  const trie = components.has('Partitions.db') || components.has('Rows.db')
  missing.push(...(trie ? ['Partitions.db', 'Rows.db'] : ['Index.db']).filter(lacks))
  if (hasStatistics(version) && lacks('Statistics.db')) missing.push('Statistics.db')
  return missing
}

/** Statistics.db came with version `g` (Cassandra 0.8), when versions had one letter; older sets have Data, Index and Filter only. */
function hasStatistics(version: string): boolean {
  return version.length > 1 || version >= 'g'
}
