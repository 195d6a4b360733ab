/** A body made of several buffers; `chunks` may be called once per attempt. */
export interface ChunkedBody {
  readonly bytes: number
  /** Bytes of its longest chunk. */
  readonly longest: number
  readonly chunks: () => AsyncIterable<Buffer>
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
  #stopped = false
  #reading: Promise<unknown> = Promise.resolve()

  constructor(body: Buffer | ChunkedBody, secure: boolean) {
    if (Buffer.isBuffer(body)) {
      const sliced = secure && body.length > TLS_SLICE
      this.bytes = body.length
      this.longest = sliced ? TLS_SLICE : body.length
      this.content = sliced ? slices(body) : body
    } else {
      this.bytes = body.bytes
      this.longest = body.longest
      this.content = { [Symbol.asyncIterator]: () => this.#watched(body.chunks()[Symbol.asyncIterator]()) }
    }
  }

  /** Makes no further chunk; resolves when none is being made, and the memory behind them may be used again. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#reading
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
    return { next: () => watch(this.#stopped ? end() : chunks.next()), return: () => watch(end()) }
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- undici takes async iterables only
async function* slices(body: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += TLS_SLICE) yield body.subarray(at, at + TLS_SLICE)
}
