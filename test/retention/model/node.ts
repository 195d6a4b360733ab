import { gzipSync } from 'node:zlib'

import { unitOf } from '../../../src/cassandra/unit.js'
import { hashOf } from '../../../src/manifest/key-set.js'
import type { Random } from '../../manifest/random.js'

/** One file of an SSTable, by its content. */
export type Content = string

/** An SSTable on the disk: the content of its files by component. */
export type Files = ReadonlyMap<string, Content>

const ID = '0123456789abcdef0123456789abcdef'

/** Directories of tables: one lies beside the path that may be given, with a name that begins like it. */
export const TABLES = [`/data/ks/t1-${ID}`, `/data/ks/t2-${ID}`, `/data/ks_other/t3-${ID}`] as const

/** 16 hex digits that tell a content from another. */
export function crcOf(content: Content): string {
  return hashOf(content).toString(16).padStart(16, '0').slice(-16)
}

/** What lies on the node's disk: by directory, the SSTables by name. */
export class ModelDisk {
  readonly directories = new Map<string, Map<string, Files>>(TABLES.map(path => [path, new Map()]))
  readonly #random: Random
  /** SSTables that were deleted, and may come back. */
  readonly #gone: { directory: string; name: string; files: Files }[] = []
  #generation = 0
  #snapshots = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Puts an SSTable there. */
  add(directory: string, name: string, files: Files): void {
    this.#of(directory).set(name, files)
  }

  /** Deletes an SSTable. */
  delete(directory: string, name: string): void {
    this.#of(directory).delete(name)
  }

  /** Something happens to the tables. */
  change(): void {
    const directory = this.#random.pick(TABLES) ?? TABLES[0]
    const sstables = this.#of(directory)
    const names = [...sstables.keys()]
    const kind = this.#random.weighted({
      flush: 6,
      compact: 4,
      truncate: 0.5,
      return: 3,
      rewrite: 1,
      snapshot: 1.5,
      clear: 0.5,
    })
    if (kind === 'flush' || names.length === 0) this.#flush(directory)
    else if (kind === 'compact') {
      const inputs = this.#random.some(names)
      this.#flush(directory)
      for (const name of inputs) this.#remove(directory, name)
    } else if (kind === 'truncate') for (const name of names) this.#remove(directory, name)
    else if (kind === 'return') {
      const back = this.#random.pick(this.#gone)
      if (back !== undefined) this.#of(back.directory).set(back.name, back.files)
    } else if (kind === 'rewrite') {
      const name = this.#random.pick(names) ?? ''
      const files = new Map(sstables.get(name))
      sstables.set(name, files.set('Statistics.db', `stats ${this.#random.next()}`))
    } else if (kind === 'snapshot')
      this.directories.set(`${directory}/snapshots/s${++this.#snapshots}`, new Map(sstables))
    else {
      const snapshot = this.#random.pick(
        [...this.directories.keys()].filter(path => path.includes('/snapshots/')),
      )
      if (snapshot !== undefined) this.directories.get(snapshot)?.clear()
    }
  }

  #flush(directory: string): void {
    const name = `nb-${++this.#generation}-big`
    const files = new Map([
      ['Data.db', `data ${this.#generation}`],
      ['Statistics.db', `stats ${this.#generation}`],
    ])
    this.#of(directory).set(name, files)
  }

  #remove(directory: string, name: string): void {
    const sstables = this.#of(directory)
    const files = sstables.get(name)
    if (files === undefined) return
    sstables.delete(name)
    this.#gone.push({ directory, name, files })
  }

  #of(directory: string): Map<string, Files> {
    let sstables = this.directories.get(directory)
    if (sstables === undefined) {
      sstables = new Map()
      this.directories.set(directory, sstables)
    }
    return sstables
  }
}

/** A manifest of the model, as readers see it. */
export interface ModelManifest {
  readonly node: 'node1'
  readonly format: 1
  readonly epoch: number
  readonly unit: string
  readonly time: string
  readonly base: string | null
  readonly gap: boolean
  readonly unexplained: readonly string[]
  readonly unprotected: readonly string[]
  readonly removed: readonly string[]
  readonly directories: Readonly<Record<string, { device: string; inode: string }>>
  readonly sets: Readonly<Record<string, Readonly<Record<string, ModelEntry>>>>
  readonly files: Readonly<Record<string, never>>
  readonly totals: { readonly sets: number; readonly files: number; readonly bytes: number }
}

/** A file in a manifest. */
export interface ModelEntry {
  readonly size: number
  readonly mtime: string
  readonly inode: number
  readonly crc64: string
  readonly key?: string
}

/** The bytes of a manifest. */
export function packed(manifest: ModelManifest): Buffer {
  return gzipSync(JSON.stringify(manifest), { level: 1 })
}

/** The unit of a directory's SSTables. */
export function unitAt(path: string): string {
  return unitOf(path)
}
