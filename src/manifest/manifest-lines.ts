import { StringDecoder } from 'node:string_decoder'

import { directoryOf, entryOf, path, record, setOf, string } from './entry-json.js'
import { bytesOf } from './manifest-facts.js'
import { MAX_LINE } from './manifest.js'
import type { DirectoryIdentity, Entry, StateSet, Totals } from './state.js'

const NEWLINE = 10

/** The lists of a manifest, by how an entry of each is read. */
type ListName = 'unexplained' | 'unprotected' | 'removed' | 'directories' | 'sets' | 'files'

const NAMES: ReadonlySet<string> = new Set<ListName>([
  'unexplained',
  'unprotected',
  'removed',
  'directories',
  'sets',
  'files',
])

/** The members of a manifest. */
export interface Members {
  /** What there is one of, as JSON has it. */
  readonly head: Readonly<Record<string, unknown>>
  readonly lists: Readonly<Record<'unexplained' | 'unprotected' | 'removed', readonly string[]>>
  readonly directories: Map<string, DirectoryIdentity>
  readonly sets: Map<string, StateSet>
  readonly files: Map<string, Entry>
  /** Of the sets and files here. */
  readonly own: Totals
  /** What it says of itself; undefined in manifests of earlier versions. */
  readonly totals: unknown
}

/** Whether a document begins with a whole line of members, as `encodeState` writes it. */
export function isLined(begin: Buffer): boolean {
  const end = begin.indexOf(NEWLINE)
  if (end < 0 || end > MAX_LINE) return false
  try {
    return typeof headOf(begin.subarray(0, end).toString('utf8'))['format'] === 'number'
  } catch {
    return false
  }
}

function headOf(line: string): Record<string, unknown> {
  return record(JSON.parse(`${line.replace(/,$/, '')}}`))
}

/**
 * Reads a manifest line by line, in as many pieces as the caller likes: see `encodeState` for what the lines are.
 * A wrong entry ends it with an Error whose message is a phrase.
 */
export class LineReader {
  readonly #decoder = new StringDecoder('utf8')
  readonly #directories = new Map<string, DirectoryIdentity>()
  readonly #sets = new Map<string, StateSet>()
  readonly #files = new Map<string, Entry>()
  readonly #lists = { unexplained: [] as string[], unprotected: [] as string[], removed: [] as string[] }
  readonly #seen = new Set<string>()
  #head: Record<string, unknown> | undefined
  #totals: unknown
  #bytes = 0
  /** The list that is being read. */
  #open: ListName | undefined
  #ended = false
  /** The text that is not read yet, and the place of its first line. */
  #text = ''
  #from = 0

  add(chunk: Buffer): void {
    this.#text = this.#text.slice(this.#from) + this.#decoder.write(chunk)
    this.#from = 0
  }

  /** Reads lines until a time of the monotonic clock, ms. @returns whether all that are whole are read */
  work(until: number): boolean {
    for (let lines = 0; ; lines++) {
      const end = this.#text.indexOf('\n', this.#from)
      const length = (end < 0 ? this.#text.length : end) - this.#from
      if (length > MAX_LINE) throw new Error('it has a line of more than 1 MiB')
      if (end < 0) return true
      this.#line(this.#text.slice(this.#from, end))
      this.#from = end + 1
      if (lines % 16 === 15 && performance.now() > until) return false
    }
  }

  /** Reads the rest. @throws Error also where something is missing */
  end(): Members {
    this.#text += this.#decoder.end()
    if (this.#text.slice(this.#from).trim() !== '' || !this.#ended || this.#head === undefined)
      throw new Error('its end is missing')
    for (const name of NAMES) if (!this.#seen.has(name)) throw new Error(`it has no ${name}`)
    return {
      head: this.#head,
      lists: this.#lists,
      directories: this.#directories,
      sets: this.#sets,
      files: this.#files,
      own: { sets: this.#sets.size, files: this.#files.size, bytes: this.#bytes },
      totals: this.#totals,
    }
  }

  #line(line: string): void {
    if (this.#head === undefined) this.#head = headOf(line)
    else if (this.#ended) throw new Error('something follows its end')
    else if (this.#open === undefined) this.#between(line)
    else if (/^[\]}],$/.test(line)) this.#open = undefined
    else this.#entry(this.#open, line.endsWith(',') ? line.slice(0, -1) : line)
  }

  /** A line that opens a list, or the last one. */
  #between(line: string): void {
    const [, name = ''] = /^"(\w+)":[[{]$/.exec(line) ?? []
    if (NAMES.has(name)) {
      if (this.#seen.has(name)) throw new Error(`it has ${name} twice`)
      this.#seen.add(name)
      this.#open = name as ListName
      return
    }
    if (!line.startsWith('"totals":')) throw new Error('it has a line that no manifest has')
    this.#totals = record(JSON.parse(`{${line}`))['totals']
    this.#ended = true
  }

  #entry(list: ListName, text: string): void {
    if (list === 'unexplained' || list === 'unprotected' || list === 'removed') {
      this.#lists[list].push(string(JSON.parse(text)))
      return
    }
    for (const [name, value] of Object.entries(record(JSON.parse(`{${text}}`)))) {
      path(name)
      const map = list === 'sets' ? this.#sets : list === 'files' ? this.#files : this.#directories
      if (map.has(name)) throw new Error(`it names ${JSON.stringify(name)} twice`)
      if (list === 'sets') {
        const set = setOf(value)
        // Here, as all of them at the end would take the thread too long.
        this.#bytes += bytesOf(set)
        this.#sets.set(name, set)
      } else if (list === 'files') {
        const file = entryOf(value)
        this.#bytes += file.size
        this.#files.set(name, file)
      } else this.#directories.set(name, directoryOf(value))
    }
  }
}
