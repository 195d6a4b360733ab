/** A body made of several buffers; `chunks` may be called once per attempt. */
export interface ChunkedBody {
  readonly bytes: number
  readonly chunks: () => AsyncIterable<Buffer>
}

/** Limits all bodies together to a byte rate. */
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
  /** As undici takes it: over http the buffer itself, which costs no copy. */
  readonly content: Buffer | AsyncIterable<Buffer>
  /** Only where there is something to stop: it costs as much as a small request's signature. */
  #stopped: AbortController | undefined
  #reading: Promise<unknown> = Promise.resolve()
  #isMaking = false

  /** @param rate undefined: as fast as it goes */
  constructor(body: Buffer | ChunkedBody, secure: boolean, rate: BodyRate | undefined) {
    this.bytes = Buffer.isBuffer(body) ? body.length : body.bytes
    const slice = rate?.slice ?? (secure ? TLS_SLICE : this.bytes)
    if (Buffer.isBuffer(body) && rate === undefined) {
      this.content = slice < this.bytes ? { [Symbol.asyncIterator]: () => slices(body, slice) } : body
      return
    }
    const stopped = new AbortController()
    this.#stopped = stopped
    const chunks = Buffer.isBuffer(body) ? () => slices(body, slice) : body.chunks
    const made = rate === undefined ? chunks : () => paced(chunks(), slice, rate, stopped.signal)
    this.content = {
      [Symbol.asyncIterator]: () => this.#watched(made()[Symbol.asyncIterator](), stopped.signal),
    }
  }

  /** Whether its next chunk is being made, or waits for its share of the rate: the server waits for us. */
  get isMaking(): boolean {
    return this.#isMaking
  }

  /** Makes no further chunk; resolves when none is being made, and the memory behind them may be used again. */
  async stop(): Promise<void> {
    this.#stopped?.abort()
    await this.#reading
  }

  #watched(chunks: AsyncIterator<Buffer>, stopped: AbortSignal): AsyncIterator<Buffer> {
    const watch = <T>(step: Promise<T>): Promise<T> => {
      this.#isMaking = true
      this.#reading = step
        .catch(() => undefined)
        .finally(() => {
          this.#isMaking = false
        })
      return step
    }
    const end = async (): Promise<IteratorResult<Buffer>> => {
      await chunks.return?.()
      return { done: true, value: undefined }
    }
    return {
      next: () => watch(stopped.aborted ? end() : chunks.next()),
      return: () => watch(end()),
    }
  }
}

async function* paced(
  chunks: AsyncIterable<Buffer>,
  slice: number,
  rate: BodyRate,
  stopped: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    for await (const piece of slices(chunk, slice)) {
      await rate.take(piece.length, stopped)
      yield piece
    }
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- undici takes async iterables only
async function* slices(body: Buffer, slice: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += slice) yield body.subarray(at, at + slice)
}
