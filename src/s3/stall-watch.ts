import type { Socket } from 'node:net'

import { unacknowledgedBytes } from 'tablesnap-io'

/** The request that a {@link StallWatch} looks at. */
export interface WatchedRequest {
  /** A text that changes whenever a byte gets to the other side, or comes from there. */
  moved(): string
  /** Whether the next byte of the request is ours to make. */
  isSelfMade(): boolean
  /** No byte has moved for the whole time. */
  onStall(error: Error): void
}

/** Looks within the time that a request may stall for, after the first one, which has nothing to compare: most requests end before it. */
const LOOKS = 20

/** The code of the error of a request on whose connection no byte moved for too long. */
export const STALLED = 'STALLED'

/**
 * Ends a request when no byte has moved on its connection for too long, in either direction. It counts looks, not time: a process that stood
 * still has not read what came meanwhile.
 */
export class StallWatch {
  readonly #timer: NodeJS.Timeout
  #last: string | undefined
  #unchanged = 0

  /** @param limit time without a byte, ms */
  constructor(limit: number, request: WatchedRequest) {
    this.#timer = setInterval(
      () => {
        const moved = request.moved()
        this.#unchanged = moved !== this.#last || request.isSelfMade() ? 0 : this.#unchanged + 1
        this.#last = moved
        if (this.#unchanged < LOOKS) return
        this.stop()
        const message = `no byte for ${limit / 1000} s`
        request.onStall(Object.assign(new Error(message), { code: STALLED }))
      },
      limit / (LOOKS + 1),
    )
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** The part of Node's handle of a socket that its types leave out. */
interface Handle {
  readonly fd?: number
  readonly writeQueueSize?: number
}

/**
 * What has moved on a socket so far, as a text to compare. A body of 8 MiB lies in libuv and in the kernel for a long time on a slow link: both are asked
 * for what is left.
 */
export function bytesMoved(socket: Socket | undefined): string {
  if (socket === undefined) return ''
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null }
  const { fd = -1, writeQueueSize = 0 } = handle ?? {}
  return `${socket.bytesRead} ${socket.bytesWritten - writeQueueSize} ${unacknowledged(fd)}`
}

function unacknowledged(fd: number): number {
  try {
    return fd < 0 ? 0 : unacknowledgedBytes(fd)
  } catch {
    // The connection is ending.
    return 0
  }
}
