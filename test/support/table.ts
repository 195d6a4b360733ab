import { randomBytes, randomUUID } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** Components of a BIG set but TOC.txt, in the order in which a flush closes them. */
export const BIG = [
  'Filter.db',
  'Index.db',
  'Summary.db',
  'Digest.crc32',
  'CompressionInfo.db',
  'Data.db',
  'Statistics.db',
]

/** Components of a BTI set but TOC.txt. */
export const BTI = [
  'Filter.db',
  'Rows.db',
  'Digest.crc32',
  'CompressionInfo.db',
  'Data.db',
  'Statistics.db',
  'Partitions.db',
]

/** How a set is made. */
export interface SetOptions {
  /** Of Data.db; 2,000 by default. */
  readonly bytes?: number
  /** BIG's by default. */
  readonly components?: readonly string[]
  /** What TOC.txt lists; null: there is none. */
  readonly toc?: readonly string[] | null
}

/** A transaction log as Cassandra keeps it. */
export class TxnLog {
  readonly path: string

  constructor(
    readonly directory: string,
    kind: 'flush' | 'compaction' | 'stream' | 'unknowncompactiontype',
    name = `nb_txn_${kind}_${randomUUID()}.log`,
  ) {
    this.path = join(directory, name)
    writeFileSync(this.path, '')
  }

  add(set: string): this {
    return this.#line(`ADD:[${join(this.directory, set)}-,0,8]`)
  }

  remove(set: string): this {
    return this.#line(`REMOVE:[${join(this.directory, set)}-,1795404472517,8]`)
  }

  commit(): this {
    return this.#line('COMMIT:[,0,0]')
  }

  /** Deletes the log. */
  end(): void {
    rmSync(this.path)
  }

  #line(text: string): this {
    appendFileSync(this.path, `${text}[${randomBytes(4).readUInt32BE()}]\n`)
    return this
  }
}

/** A directory written as Cassandra writes a table's. */
export class Table {
  /** What every file held when it was written last, deleted ones included, by name. */
  readonly contents = new Map<string, Buffer>()

  constructor(readonly path: string) {
    mkdirSync(path, { recursive: true })
  }

  /** The paths of the files of a set, or of all that are there. */
  paths(set = ''): string[] {
    return this.names(set).map(name => join(this.path, name))
  }

  /** The names of the files of a set, or of all that are there. */
  names(set = ''): string[] {
    const files = readdirSync(this.path, { withFileTypes: true }).filter(entry => entry.isFile())
    return files
      .map(({ name }) => name)
      .filter(name => name.startsWith(set === '' ? '' : `${set}-`))
      .sort()
  }

  /** Writes one file at once. */
  file(name: string, content: string | Buffer = randomBytes(100)): string {
    const path = join(this.path, name)
    const bytes = Buffer.from(content)
    writeFileSync(path, bytes)
    this.contents.set(name, bytes)
    return path
  }

  /** Writes a set without a transaction log, as an import or a copy does, TOC.txt last. */
  set(set: string, options: SetOptions = {}): this {
    const { components = BIG, toc = [...components, 'TOC.txt'] } = options
    const data = randomBytes(options.bytes ?? 2_000)
    for (const component of components) {
      const content =
        component === 'Data.db' ? data : component === 'Digest.crc32' ? String(crc32(data)) : undefined
      this.file(`${set}-${component}`, content)
    }
    if (toc !== null) this.file(`${set}-TOC.txt`, toc.join('\n'))
    return this
  }

  /** A flush as a node since 3.0 does it: Data and Index stay open while the others come, within a transaction. */
  flush(set: string, options: SetOptions = {}): this {
    const txn = new TxnLog(this.path, 'flush').add(set)
    this.write(set, options)
    txn.commit().end()
    return this
  }

  /** Writes a set in a node's order, as {@link flush}, but for the transaction log. */
  write(set: string, { bytes = 2_000 }: SetOptions = {}): void {
    const content = new Map(BIG.map(component => [component, randomBytes(100)]))
    const data = randomBytes(bytes)
    content.set('Data.db', data).set('Digest.crc32', Buffer.from(String(crc32(data))))
    const open = ['Data.db', 'Index.db'].map(component => ({
      component,
      fd: openSync(join(this.path, `${set}-${component}`), 'w'),
    }))
    for (const component of BIG) {
      const held = open.find(one => one.component === component)
      const body = content.get(component) ?? Buffer.alloc(0)
      if (held === undefined) this.file(`${set}-${component}`, body)
      else {
        writeSync(held.fd, body)
        closeSync(held.fd)
        this.contents.set(`${set}-${component}`, body)
      }
    }
    this.file(`${set}-TOC.txt`, [...BIG, 'TOC.txt'].join('\n'))
  }

  /** Deletes a set as Cassandra does: file by file, Data.db first. */
  delete(set: string): void {
    const names = this.names(set).sort(
      (a, b) => Number(b.endsWith('-Data.db')) - Number(a.endsWith('-Data.db')),
    )
    for (const name of names) rmSync(join(this.path, name))
  }

  /** Rewrites a file as Cassandra rewrites Statistics.db: a .tmp beside it, renamed over it. */
  replace(name: string, content: Buffer): void {
    writeFileSync(join(this.path, `${name}.tmp`), content)
    renameSync(join(this.path, `${name}.tmp`), join(this.path, name))
    this.contents.set(name, content)
  }

  /** What lies there now. */
  read(name: string): Buffer {
    return readFileSync(join(this.path, name))
  }
}
