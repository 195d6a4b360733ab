import { bytesToPage } from 'tablesnap-io'

/** At least a page of memory, bytes. */
const PAGE = 64 * 1024

/** A buffer that begins at a page: reading into it costs a third of reading into any other. */
function pageBuffer(bytes: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(bytes + PAGE)
  const start = bytesToPage(whole)
  return whole.subarray(start, start + bytes)
}

/**
 * A fixed number of buffers, made when first needed; who finds none waits. All begin at the usual size; one that is
 * needed larger is replaced, so that only runs that need large buffers pay for them.
 */
export class BufferPool {
  readonly #usual: number
  readonly #largest: number
  readonly #free: Buffer[] = []
  readonly #waiting: ((buffer: Buffer) => void)[] = []
  #left: number

  /** @param count buffers @param usual bytes of each, as long as no more are needed @param largest bytes of any */
  constructor(count: number, usual: number, largest: number) {
    this.#left = count
    this.#usual = Math.min(usual, largest)
    this.#largest = largest
  }

  /** Lends a buffer of at least `bytes`, as far as the largest goes, while `work` runs. */
  async lend<T>(bytes: number, work: (buffer: Buffer) => Promise<T>): Promise<T> {
    let buffer = await this.#take()
    try {
      if (buffer.length < Math.min(bytes, this.#largest)) buffer = pageBuffer(this.#largest)
      return await work(buffer)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(buffer)
      else next(buffer)
    }
  }

  #take(): Promise<Buffer> {
    const free = this.#free.pop()
    if (free !== undefined) return Promise.resolve(free)
    if (this.#left === 0) return new Promise(resolve => this.#waiting.push(resolve))
    const buffer = pageBuffer(this.#usual)
    this.#left--
    return Promise.resolve(buffer)
  }
}
