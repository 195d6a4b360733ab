import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataFiles } from './data-files.js'
import { KeyIndex } from './key-index.js'
import type { ObjectRecord, PartRecord, UploadRecord } from './record.js'

const RECORD = /^[0-9a-f]{64}\.json$/
const PART = /^\d+\.json$/

/** A multipart upload under way, with the parts that have arrived. */
export interface Upload extends UploadRecord {
  readonly parts: Map<number, PartRecord>
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

// Synchronous on purpose: the check of a precondition and the write it allows happen in one turn of the event loop.
function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.tmp`, JSON.stringify(value))
  renameSync(`${path}.tmp`, path)
}

/**
 * One bucket below a directory: `data/` holds the bytes under random names, `objects/<SHA-256 of the key>.json`
 * and `uploads/<id>/` name them. An object exists from the rename of its record on; no key is ever a path.
 */
export class Bucket {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly files: DataFiles
  readonly objects = new KeyIndex<ObjectRecord>()
  readonly uploads = new Map<string, Upload>()
  readonly #directory: string
  #uploadsBegun = 0

  /** Opens a bucket, or creates it. */
  constructor(directory: string, name: string, now: number) {
    this.name = name
    this.#directory = join(directory, name)
    for (const part of ['objects', 'uploads']) mkdirSync(join(this.#directory, part), { recursive: true })
    this.files = new DataFiles(join(this.#directory, 'data'))
    this.created = this.#loadCreated(now)
    this.#loadObjects()
    this.#loadUploads()
    this.files.sweep(this.#named())
  }

  /** Makes `record` the object of its key; what was there before is removed. */
  put(record: ObjectRecord): void {
    const before = this.objects.get(record.key)
    writeJson(this.#recordPath(record.key), record)
    this.objects.set(record.key, record)
    if (before !== undefined) this.files.discard(before.parts.map(part => part.file))
  }

  /** Removes an object; nothing happens when there is none. */
  delete(key: string): void {
    const before = this.objects.get(key)
    if (before === undefined) return
    rmSync(this.#recordPath(key), { force: true })
    this.objects.delete(key)
    this.files.discard(before.parts.map(part => part.file))
  }

  /** Begins an upload; ids sort in the order of creation. */
  createUpload(record: Omit<UploadRecord, 'id'>): Upload {
    this.#uploadsBegun = (this.#uploadsBegun + 1) % 36 ** 4
    const order =
      record.initiated.toString(36).padStart(9, '0') + this.#uploadsBegun.toString(36).padStart(4, '0')
    const id = `${order}.${randomBytes(24).toString('base64url')}`
    const upload = { ...record, id, parts: new Map<number, PartRecord>() }
    mkdirSync(join(this.#directory, 'uploads', id))
    writeJson(join(this.#directory, 'uploads', id, 'upload.json'), { ...record, id })
    this.uploads.set(id, upload)
    return upload
  }

  /** Adds a part to an upload; the last one of a number wins. */
  putPart(upload: Upload, part: PartRecord): void {
    const before = upload.parts.get(part.number)
    writeJson(join(this.#directory, 'uploads', upload.id, `${part.number}.json`), part)
    upload.parts.set(part.number, part)
    if (before !== undefined) this.files.discard([before.file])
  }

  /** Ends an upload; the bytes of parts that `record` (the object it became) does not name are removed. */
  endUpload(upload: Upload, record?: ObjectRecord): void {
    const kept = new Set(record?.parts.map(part => part.file))
    if (record !== undefined) this.put(record)
    this.uploads.delete(upload.id)
    rmSync(join(this.#directory, 'uploads', upload.id), { recursive: true, force: true })
    this.files.discard([...upload.parts.values()].map(part => part.file).filter(file => !kept.has(file)))
  }

  /** Removes the bucket with all that is in it. */
  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #recordPath(key: string): string {
    return join(this.#directory, 'objects', `${createHash('sha256').update(key).digest('hex')}.json`)
  }

  #loadCreated(now: number): number {
    const path = join(this.#directory, 'bucket.json')
    try {
      return (readJson(path) as { created: number }).created
    } catch {
      writeJson(path, { created: now })
      return now
    }
  }

  #loadObjects(): void {
    const directory = join(this.#directory, 'objects')
    const names = readdirSync(directory).filter(name => RECORD.test(name))
    const records = names.map(name => readJson(join(directory, name)) as ObjectRecord)
    this.objects.load(records.map(record => [record.key, record] as const))
  }

  #loadUploads(): void {
    const directory = join(this.#directory, 'uploads')
    const completed = new Set([...this.objects.values()].map(record => record.uploadId))
    for (const id of readdirSync(directory)) {
      const files = readdirSync(join(directory, id))
      // A crash within Create left no record; one within Complete left an upload that is an object already.
      if (completed.has(id) || !files.includes('upload.json')) {
        rmSync(join(directory, id), { recursive: true, force: true })
        continue
      }
      const record = readJson(join(directory, id, 'upload.json')) as UploadRecord
      const parts = files
        .filter(name => PART.test(name))
        .map(name => readJson(join(directory, id, name)) as PartRecord)
      this.uploads.set(id, { ...record, parts: new Map(parts.map(part => [part.number, part])) })
    }
  }

  #named(): Set<string> {
    const named = new Set<string>()
    for (const record of this.objects.values()) for (const part of record.parts) named.add(part.file)
    for (const upload of this.uploads.values()) for (const part of upload.parts.values()) named.add(part.file)
    return named
  }
}
