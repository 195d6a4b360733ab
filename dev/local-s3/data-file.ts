import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes gathered before one write. */
const BATCH = 1024 * 1024
/** Files of so many bytes are written at once: cheaper than three trips through the thread pool. */
const SMALL = 128 * 1024

/** Receives the bytes of one upload; they stay invisible until a record names the file. */
export class DataFile {
  readonly name: string
  size = 0
  readonly #path: string
  #handle: FileHandle | undefined
  #batch: Buffer[] = []
  #batched = 0

  constructor(directory: string) {
    this.name = randomBytes(16).toString('hex')
    this.#path = join(directory, this.name)
  }

  async write(data: Buffer): Promise<void> {
    this.size += data.length
    this.#batch.push(data)
    this.#batched += data.length
    if (this.#batched >= BATCH) await this.#flush()
  }

  async close(): Promise<void> {
    if (this.#handle === undefined && this.#batched <= SMALL) {
      writeFileSync(this.#path, Buffer.concat(this.#batch), { flag: 'wx' })
      return
    }
    await this.#flush()
    await this.#handle?.close()
    this.#handle = undefined
  }

  /** Removes what has been written. */
  async abandon(): Promise<void> {
    this.#batch = []
    await this.#handle?.close()
    this.#handle = undefined
    rmSync(this.#path, { force: true })
  }

  async #flush(): Promise<void> {
    this.#handle ??= await open(this.#path, 'wx')
    const batch = this.#batch
    this.#batch = []
    this.#batched = 0
    let left = batch.reduce((sum, piece) => sum + piece.length, 0)
    let pieces = batch
    while (left > 0) {
      let { bytesWritten } = await this.#handle.writev(pieces)
      left -= bytesWritten
      if (left === 0) return
      const rest: Buffer[] = []
      for (const piece of pieces) {
        const skipped = Math.min(bytesWritten, piece.length)
        bytesWritten -= skipped
        if (skipped < piece.length) rest.push(piece.subarray(skipped))
      }
      pieces = rest
    }
  }
}
