import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DataFile } from './data-file.js'

const READ_SIZE = 256 * 1024

/** A run of bytes to be read: `size` bytes of a file, from `offset`. */
export interface Extent {
  readonly file: string
  readonly offset: number
  readonly size: number
}

/** Bytes about to be read; `close` must be called once, whatever happened. */
export interface Reading {
  readonly chunks: AsyncIterable<Buffer>
  close(): void
}

/** The flat directory that holds all bytes of a bucket; a file that is being read outlives its removal. */
export class DataFiles {
  readonly #directory: string
  readonly #readers = new Map<string, number>()
  readonly #doomed = new Set<string>()
  readonly #removals = new Set<Promise<void>>()

  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true })
  }

  create(): DataFile {
    return new DataFile(this.#directory)
  }

  /** Removes every file that `named` does not contain: leftovers of uploads that were cut off. */
  sweep(named: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#directory)) {
      if (!named.has(name)) rmSync(join(this.#directory, name), { force: true })
    }
  }

  /** Removes files that nothing names any more, once nobody reads them. */
  discard(names: Iterable<string>): void {
    for (const name of names) {
      if (this.#readers.has(name)) this.#doomed.add(name)
      else this.#remove(name)
    }
  }

  /** Waits for the removals under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#removals)
  }

  /** Opens the extents for reading, one behind the other. Nothing removes them before `close`. */
  read(extents: readonly Extent[]): Reading {
    for (const { file } of extents) this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1)
    return { chunks: this.#stream(extents), close: () => this.#release(extents) }
  }

  #release(extents: readonly Extent[]): void {
    for (const { file } of extents) {
      const readers = (this.#readers.get(file) ?? 1) - 1
      if (readers > 0) {
        this.#readers.set(file, readers)
        continue
      }
      this.#readers.delete(file)
      if (this.#doomed.delete(file)) this.#remove(file)
    }
  }

  async *#stream(extents: readonly Extent[]): AsyncGenerator<Buffer> {
    for (const extent of extents) yield* this.#readOne(extent)
  }

  async *#readOne(extent: Extent): AsyncGenerator<Buffer> {
    if (extent.size === 0) return
    const handle = await open(join(this.#directory, extent.file))
    try {
      let { offset } = extent
      const end = extent.offset + extent.size
      while (offset < end) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, end - offset))
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
        if (bytesRead === 0) throw new Error(`${extent.file} ends before byte ${end}`)
        offset += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await handle.close()
    }
  }

  #remove(name: string): void {
    const removal = unlink(join(this.#directory, name)).catch(() => undefined)
    this.#removals.add(removal)
    void removal.then(() => this.#removals.delete(removal))
  }
}
