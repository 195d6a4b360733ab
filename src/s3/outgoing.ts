/** A body made of several buffers; `chunks` may be called once per attempt. */
export interface ChunkedBody {
  readonly bytes: number
  /** Bytes of its longest chunk. */
  readonly longest: number
  readonly chunks: () => AsyncIterable<Buffer>
}

/** What keeps all bodies together to a byte rate. */
export interface BodyRate {
  /** Most bytes that may be taken at once. */
  readonly slice: number
  /** Resolves when so many bytes may be sent; rejects when the signal aborts before. */
  take(bytes: number, signal: AbortSignal): Promise<void>
}

/** Slices in which a body is handed to TLS, bytes: fewer copies inside TLS than one large buffer. */
const TLS_SLICE = 256 * 1024

/** The body of one request on its way out. */
export class Outgoing {
  readonly bytes: number
  /** Most bytes that are handed to the kernel at once. */
  readonly longest: number
  /** As undici takes it: over http the buffer itself, which costs no copy. */
  readonly content: Buffer | AsyncIterable<Buffer>
  readonly #stopped = new AbortController()
  #reading: Promise<unknown> = Promise.resolve()

  /** @param rate undefined: as fast as it goes */
  constructor(body: Buffer | ChunkedBody, secure: boolean, rate: BodyRate | undefined) {
    this.bytes = Buffer.isBuffer(body) ? body.length : body.bytes
    const whole = Buffer.isBuffer(body) ? body.length : body.longest
    const slice = Math.min(whole, rate?.slice ?? (secure && Buffer.isBuffer(body) ? TLS_SLICE : whole))
    this.longest = slice
    if (Buffer.isBuffer(body) && rate === undefined) {
      this.content = slice < whole ? { [Symbol.asyncIterator]: () => slices(body, slice) } : body
      return
    }
    const chunks = Buffer.isBuffer(body) ? () => slices(body, slice) : body.chunks
    const paced = rate === undefined ? chunks : () => this.#paced(chunks(), slice, rate)
    this.content = { [Symbol.asyncIterator]: () => this.#watched(paced()[Symbol.asyncIterator]()) }
  }

  /** Makes no further chunk; resolves when none is being made, and the memory behind them may be used again. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#reading
  }

  async *#paced(chunks: AsyncIterable<Buffer>, slice: number, rate: BodyRate): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      for await (const piece of slices(chunk, slice)) {
        await rate.take(piece.length, this.#stopped.signal)
        yield piece
      }
    }
  }

  #watched(chunks: AsyncIterator<Buffer>): AsyncIterator<Buffer> {
    const watch = <T>(step: Promise<T>): Promise<T> => {
      this.#reading = step.catch(() => undefined)
      return step
    }
    const end = async (): Promise<IteratorResult<Buffer>> => {
      await chunks.return?.()
      return { done: true, value: undefined }
    }
    return {
      next: () => watch(this.#stopped.signal.aborted ? end() : chunks.next()),
      return: () => watch(end()),
    }
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- undici takes async iterables only
async function* slices(body: Buffer, slice: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += slice) yield body.subarray(at, at + slice)
}
