import { TablesnapError } from '../errors.js'

/** S3's limit on keys, bytes of UTF-8. */
const MAX_KEY = 1024

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
