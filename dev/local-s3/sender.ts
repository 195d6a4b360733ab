import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './fault.js'
import type { Reply } from './reply.js'
import type { RequestRecord } from './request-log.js'
import { ConnectionGone } from './s3-error.js'

/** What goes with every answer. */
export interface Envelope {
  readonly requestId: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly close: boolean
  /** Ends every wait when the server closes. */
  readonly signal: AbortSignal
}

async function* oneString(text: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(text))
}

async function* split(
  chunks: AsyncIterable<Buffer>,
  bytes: number,
  everyMs: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += bytes) {
      await sleep(everyMs, undefined, { signal })
      yield chunk.subarray(at, at + bytes)
    }
  }
}

async function* flipped(chunks: AsyncIterable<Buffer>, offset: number): AsyncGenerator<Buffer> {
  let at = 0
  for await (const chunk of chunks) {
    const place = offset - at
    const byte = chunk[place]
    if (byte !== undefined) chunk[place] = byte ^ 1
    at += chunk.length
    yield chunk
  }
}

async function* cutShort(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  if (left === 0) return
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left)
    left -= Math.min(left, chunk.length)
    if (left === 0) return
  }
}

function disturbed(
  chunks: AsyncIterable<Buffer>,
  fault: Fault | undefined,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  if (fault?.kind === 'corrupt') return flipped(chunks, fault.offset)
  if (fault?.kind === 'trickle') return split(chunks, fault.bytes, fault.everyMs, signal)
  return fault?.kind === 'truncate' ? cutShort(chunks, fault.bytes) : chunks
}

async function write(response: ServerResponse, chunk: Buffer): Promise<void> {
  if (response.destroyed) throw new ConnectionGone('The client went away within the answer')
  if (response.write(chunk)) return
  await new Promise<void>(resolve => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

/** Closes the connection behind what has been written, though more was announced. */
async function endShort(response: ServerResponse): Promise<void> {
  response.flushHeaders()
  await new Promise(resolve => response.write('', resolve))
  response.socket?.destroySoon()
}

function headersOf(reply: Reply, envelope: Envelope, length: number | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    Server: 'local-s3',
    Date: new Date(envelope.now).toUTCString(),
    'x-amz-request-id': envelope.requestId,
    'x-amz-id-2': Buffer.from(envelope.requestId).toString('base64'),
  }
  for (const [name, value] of Object.entries(reply.headers)) if (value !== undefined) headers[name] = value
  if (length !== undefined) headers['Content-Length'] ??= String(length)
  if (envelope.close) headers['Connection'] = 'close'
  return headers
}

/**
 * Sends an answer, disturbed by a fault that concerns answers.
 * @throws ConnectionGone when the client goes away, or the fault cut the connection
 */
export async function send(
  response: ServerResponse,
  reply: Reply,
  envelope: Envelope,
  record: RequestRecord,
  fault: Fault | undefined,
): Promise<void> {
  const { body, status } = reply
  const bodiless = response.req.method === 'HEAD' || status === 204 || status === 304
  const length = typeof body === 'string' ? Buffer.byteLength(body) : (body?.length ?? 0)
  record.status = status
  record.error = reply.errorCode
  response.sendDate = false
  response.writeHead(status, headersOf(reply, envelope, bodiless ? undefined : length))
  if (bodiless || body === undefined) {
    response.end()
    return
  }
  const chunks = typeof body === 'string' ? oneString(body) : body.chunks
  for await (const chunk of disturbed(chunks, fault, envelope.signal)) {
    record.sent += chunk.length
    await write(response, chunk)
  }
  if (fault?.kind === 'truncate') await endShort(response)
  else response.end()
}
