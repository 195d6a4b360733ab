import { TablesnapError } from '../errors.js'

/** S3's limit on keys, bytes of UTF-8. */
export const MAX_KEY = 1024

/** Milliseconds after which no key of a state can be made: the year 2286. */
const LAST_TIME = 9_999_999_999_999

/** Where a state lies, and of what it is. */
export interface StateKey {
  readonly key: string
  readonly unit: string
  /** ms since 1970. */
  readonly time: number
}

/** Where things of one node lie in the bucket. */
export class KeyLayout {
  readonly #prefix: string
  readonly #own: string

  /** @param prefix before the name @param name the node's @param separator between name and path */
  constructor(prefix: string, name: string, separator: string) {
    this.#prefix = `${prefix}${name}${separator}`
    this.#own = `${prefix}.tablesnap/${name}/`
  }

  /** What the keys of all the node's files begin with. */
  get files(): string {
    return this.#prefix
  }

  /** What the keys of all other contents of files begin with; the path follows without its first slash. */
  get versions(): string {
    return `${this.#own}versions/`
  }

  /** The object that says who writes under this name. */
  get node(): string {
    return `${this.#own}node.json`
  }

  /** What the keys of a unit's states begin with; of all units' for ''. */
  states(unit: string): string {
    return `${this.#own}states/${unit === '' ? '' : `${escapeUnit(unit)}/`}`
  }

  /** The key of a unit's state: of two the newer comes first in a LIST. @param time ms since 1970 */
  state(unit: string, time: number): string {
    const stamp = new Date(time).toISOString().replace(/[-:.]/g, '')
    return checked(`${this.states(unit)}${String(LAST_TIME - time).padStart(13, '0')}-${stamp}.json.gz`, unit)
  }

  /** The key of a file. @param path absolute @throws TablesnapError `KEY_TOO_LONG` */
  file(path: string): string {
    return checked(`${this.#prefix}${path}`, path)
  }

  /** The original's listing of a directory, named after a Data.db in it. @throws TablesnapError `KEY_TOO_LONG` */
  listing(dataPath: string): string {
    return checked(`${this.#prefix}${dataPath}-listdir.json`, dataPath)
  }

  /** The key of other content under a file's name, without its `~<crc64>`: some servers fold the slashes of `//`. */
  versionStem(path: string): string {
    return checked(`${this.versions}${path.replace(/^\/+/, '')}`, path, 17)
  }
}

function checked(key: string, path: string, more = 0): string {
  const bytes = Buffer.byteLength(key) + more
  if (bytes <= MAX_KEY) return key
  throw new TablesnapError({
    code: 'KEY_TOO_LONG',
    message: `${path} cannot be backed up: its key has ${bytes} bytes, S3 allows ${MAX_KEY}; shorten --prefix, --name or the path`,
    operation: 'plan',
    path,
  })
}

/**
 * A directory's name that begins with a digit must not pass for a state of the directory above; nor may its states come
 * before those of the directory above, as the first one in a LIST is to be the newest.
 */
function escapeUnit(unit: string): string {
  return unit.replace(/(^|\/)(?=[\0-9~])/g, '$1~')
}

/** Takes the key of a state apart, less {@link KeyLayout.states} of all units; undefined when it is none. */
export function parseStateKey(rest: string): Pick<StateKey, 'unit' | 'time'> | undefined {
  const [, escaped, digits] = /^(.+)\/(\d{13})-\d{8}T\d{9}Z\.json\.gz$/s.exec(rest) ?? []
  if (escaped === undefined) return undefined
  return { unit: escaped.replace(/(^|\/)~/g, '$1'), time: LAST_TIME - Number(digits) }
}
