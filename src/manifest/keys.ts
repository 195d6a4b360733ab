import { LISTING_SUFFIX, MANIFESTS_FOLDER, MANIFEST_SUFFIX, OWN_FOLDER } from '../bucket-names.js'
import { TablesnapError } from '../errors.js'

import { formatFacts, parseFacts, type ManifestFacts } from './manifest-facts.js'

/** S3's limit on keys, bytes of UTF-8. */
export const MAX_KEY = 1024

/** Milliseconds after which no key of a state can be made: the year 2286. */
const LAST_TIME = 9_999_999_999_999

/** The facts that the key of a manifest contains. */
export interface ParsedStateKey {
  readonly unit: string
  /** ms since 1970. */
  readonly time: number
  /** Undefined for keys of earlier versions, which tell the time alone: then the body has to be read. */
  readonly facts: ManifestFacts | undefined
}

/** The key of a manifest, with the facts in it and those from the LIST. */
export interface StateKey extends ParsedStateKey {
  readonly key: string
  /** LastModified: when the server stored it, ms since 1970, whole seconds. */
  readonly stored: number
}

/** Where things of one node lie in the bucket. */
export class KeyLayout {
  readonly #prefix: string
  readonly #own: string

  /** @param prefix before the name @param name the node's @param separator between name and path */
  constructor(prefix: string, name: string, separator: string) {
    this.#prefix = `${prefix}${name}${separator}`
    this.#own = `${prefix}${OWN_FOLDER}${name}/`
  }

  /** The prefix of the keys of all the node's files. */
  get files(): string {
    return this.#prefix
  }

  /** The prefix of the keys of other contents of files; the path follows without its first slash. */
  get versions(): string {
    return `${this.#own}versions/`
  }

  /** The object that says who writes under this name. */
  get node(): string {
    return `${this.#own}node.json`
  }

  /** The prefix of the keys of tablechop's plans. */
  get chops(): string {
    return `${this.#own}chop/`
  }

  /** The file that a key is of: by its plain key, or that of other content under its name; undefined: it is of none. */
  pathOf(key: string): string | undefined {
    if (key.startsWith(this.versions)) {
      const path = pathOfVersion(key.slice(this.versions.length))
      return path === undefined ? undefined : `/${path}`
    }
    return key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : undefined
  }

  /** The prefix of the keys of a table's manifests; for '' that of all manifests. */
  states(unit: string): string {
    return `${this.#own}${MANIFESTS_FOLDER}${unit === '' ? '' : `${escapeUnit(unit)}/`}`
  }

  /**
   * The key of a manifest: `<9999999999999 - ms, 13 digits>-<YYYYMMDDTHHMMSSmmmZ>-<facts>.json.gz` below the unit's prefix, so
   * that the newest comes first in a LIST. The facts are `e<epoch>-<c|p|u>[g]-<f|d<ms of the base>>-<SSTables>-<files>-<bytes>`:
   * complete, partial or unexplained; g after a gap; full, or a delta of the full manifest of that time.
   * @param time ms since 1970
   * @param facts none: the key as earlier versions wrote it
   * @throws TablesnapError `KEY_TOO_LONG`
   */
  state(unit: string, time: number, facts?: ManifestFacts): string {
    const stamp = new Date(time).toISOString().replace(/[-:.]/g, '')
    const more = facts === undefined ? '' : `-${formatFacts(facts)}`
    return checked(`${this.#from(unit, time)}-${stamp}${more}${MANIFEST_SUFFIX}`, unit)
  }

  /** The key after which a LIST begins that is to hold a unit's manifests up to a time. @param time ms since 1970 */
  statesUntil(unit: string, time: number): string {
    // All keys of one ms begin with these digits and a hyphen, which comes before the point.
    return time >= LAST_TIME ? `${this.states(unit)}/` : `${this.#from(unit, time + 1)}.`
  }

  /** The prefix of the keys of a table's manifests of one millisecond. */
  #from(unit: string, time: number): string {
    return `${this.states(unit)}${String(LAST_TIME - time).padStart(13, '0')}`
  }

  /** The key of a file. @param path absolute @throws TablesnapError `KEY_TOO_LONG` */
  file(path: string): string {
    return checked(`${this.#prefix}${path}`, path)
  }

  /** The original's listing of a directory, named after a Data.db in it. @throws TablesnapError `KEY_TOO_LONG` */
  listing(dataPath: string): string {
    return checked(`${this.#prefix}${dataPath}${LISTING_SUFFIX}`, dataPath)
  }

  /**
   * The key of other content under a file's name, without its `~<crc64>`: some servers fold the slashes of `//`.
   * @param hasSuffix whether {@link versionKey} gets one
   */
  versionStem(path: string, hasSuffix = false): string {
    return checked(`${this.versions}${path.replace(/^\/+/, '')}`, path, hasSuffix ? 34 : 17)
  }
}

/** The key of content beside a file's plain key. @param suffix of a plan of tablechop, which names the usual one */
export function versionKey(stem: string, crc64: string, suffix?: string): string {
  return `${stem}~${crc64}${suffix === undefined ? '' : `-${suffix}`}`
}

/** The path in the key of other content, less {@link KeyLayout.versions}; undefined where it is no such key. */
export function pathOfVersion(rest: string): string | undefined {
  return /^(.+)~[0-9a-f]{16}(?:-[0-9a-f]{16})?$/s.exec(rest)?.[1]
}

function checked(key: string, path: string, more = 0): string {
  const bytes = Buffer.byteLength(key) + more
  if (bytes <= MAX_KEY) return key
  throw new TablesnapError({
    code: 'KEY_TOO_LONG',
    message: `${path} cannot be backed up: its key has ${bytes} bytes, S3 allows ${MAX_KEY}; shorten --prefix, --name or the path`,
    step: { operation: 'plan', path },
  })
}

/**
 * A directory's name that begins with a digit must not pass for a state of the directory above; nor may its states come
 * before those of the directory above, as the first one in a LIST is to be the newest.
 */
function escapeUnit(unit: string): string {
  return unit.replace(/(^|\/)(?=[\0-9~])/g, '$1~')
}

/**
 * Takes the key of a manifest apart, less {@link KeyLayout.states} of all units; undefined when it is none. Facts that this
 * version cannot read, of a later one's keys, are undefined, too: such a manifest is never overlooked.
 */
export function parseStateKey(rest: string): ParsedStateKey | undefined {
  const [, escaped, digits, more] = /^(.+)\/(\d{13})-\d{8}T\d{9}Z(?:-([^/]*))?\.json\.gz$/s.exec(rest) ?? []
  if (escaped === undefined) return undefined
  return {
    unit: escaped.replace(/(^|\/)~/g, '$1'),
    time: LAST_TIME - Number(digits),
    facts: more === undefined ? undefined : parseFacts(more),
  }
}
