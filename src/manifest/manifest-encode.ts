import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { createGzip, gzipSync } from 'node:zlib'

import { TablesnapError } from '../errors.js'

import { FORMAT, directoryJson, entryJson, setJson } from './entry-json.js'
import { bytesOf, kindOf } from './manifest-facts.js'
import { MAX_BODY, MAX_JSON, MAX_LINE, type StoredState } from './manifest.js'
import type { Totals } from './state.js'

/** Characters of JSON that are compressed at once on this thread: more is compressed by libuv's threads, piece by piece. */
const SMALL = 128 * 1024

/** Characters that are made before other work may run; some 2 ms. */
const PIECE = 128 * 1024

/** A manifest as it is stored. */
export interface EncodedState {
  readonly body: Buffer
  readonly md5: Buffer
  /** Of the whole state, also where this is a delta; undefined for a delta that does not tell them. */
  readonly totals: Totals | undefined
  /** How long the thread was busy with it, ms. */
  readonly busy: number
}

/**
 * Writes a manifest's gzipped JSON, one SSTable a line, so that a reader can take it apart piece by piece; it is one JSON
 * document all the same. No piece of work takes the thread longer than a few ms.
 * @throws TablesnapError `STATE_TOO_LARGE` for one that could not be read back
 */
export async function encodeState(stored: StoredState): Promise<EncodedState> {
  const made = new Made()
  const pieces = piecesOf(stored, made)
  let began = performance.now()
  let busy = 0
  const first = pieces.next().value ?? ''
  const second = first.length < SMALL ? undefined : pieces.next().value
  if (second === undefined) {
    const body = gzipSync(first, { level: 1 })
    const md5 = createHash('md5').update(body).digest()
    return { body, md5, totals: made.totals, busy: performance.now() - began }
  }
  const gzip = createGzip({ level: 1, chunkSize: 256 * 1024 })
  const chunks: Buffer[] = []
  const hash = createHash('md5')
  let bytes = 0
  gzip.on('data', (chunk: Buffer) => {
    const from = performance.now()
    hash.update(chunk)
    busy += performance.now() - from
    chunks.push(chunk)
    bytes += chunk.length
  })
  const ended = once(gzip, 'end')
  // Read only after the loop below, which may fail first.
  ended.catch(() => undefined)
  try {
    let next: string | undefined = second
    for (let piece: string | undefined = first; piece !== undefined;) {
      const drained = gzip.write(piece)
      busy += performance.now() - began
      await (drained ? setImmediate() : once(gzip, 'drain'))
      if (bytes > MAX_BODY) throw tooLarge(stored, made, `${bytes} bytes and more after compression`)
      began = performance.now()
      piece = next
      next = pieces.next().value
    }
    gzip.end()
    await ended
  } finally {
    gzip.destroy()
  }
  began = performance.now()
  const body = Buffer.concat(chunks)
  const md5 = hash.digest()
  return { body, md5, totals: made.totals, busy: busy + performance.now() - began }
}

/** How much of a manifest is made. */
class Made {
  characters = 0
  sets = 0
  files = 0
  bytes = 0
  totals: Totals | undefined
}

/** The JSON in pieces of more than {@link PIECE} characters, but the last. */
function* piecesOf(stored: StoredState, made: Made): Generator<string, undefined> {
  let piece = ''
  for (const line of linesOf(stored, made)) {
    made.characters += line.length
    if (line.length > MAX_LINE) throw tooLarge(stored, made, 'a line of more than 1 MiB')
    if (made.characters > MAX_JSON) throw tooLarge(stored, made, 'more than 512 MiB of JSON')
    piece += line
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
  return undefined
}

/** The JSON: a line for what there is one of, one for each entry of a list, and one that opens or closes a list. */
function* linesOf({ state, delta }: StoredState, made: Made): Generator<string> {
  const head = {
    format: FORMAT,
    node: state.node,
    epoch: state.epoch,
    unit: state.unit,
    time: new Date(state.time).toISOString(),
    kind: kindOf(state),
    base: delta?.base ?? null,
    gap: state.gap,
    ...(state.unlisted === true ? { unlisted: true } : {}),
  }
  yield `${JSON.stringify(head).slice(0, -1)},\n`
  yield* list('unexplained', state.unexplained)
  yield* list('unprotected', state.unprotected)
  yield* list('removed', delta?.removed ?? [])
  yield* members('directories', state.directories, directoryJson)
  yield* members('sets', state.sets, set => {
    made.sets++
    made.bytes += bytesOf(set)
    return setJson(set)
  })
  yield* members('files', state.files, file => {
    made.files++
    made.bytes += file.size
    return entryJson(file)
  })
  const { sets, files, bytes } = made
  made.totals = delta === undefined ? { sets, files, bytes } : delta.totals
  yield `"totals":${JSON.stringify(made.totals ?? null)}}\n`
}

function* list(name: string, values: readonly string[]): Generator<string> {
  yield `"${name}":[\n`
  let comma = ''
  for (const value of values) {
    yield `${comma}${JSON.stringify(value)}`
    comma = ',\n'
  }
  yield values.length === 0 ? '],\n' : '\n],\n'
}

function* members<V>(
  name: string,
  values: ReadonlyMap<string, V>,
  of: (value: V) => unknown,
): Generator<string> {
  yield `"${name}":{\n`
  let comma = ''
  for (const [path, value] of values) {
    yield `${comma}${JSON.stringify(path)}:${JSON.stringify(of(value))}`
    comma = ',\n'
  }
  yield values.size === 0 ? '},\n' : '\n},\n'
}

function tooLarge({ state }: StoredState, { sets, files }: Made, why: string): TablesnapError {
  const { unit } = state
  return new TablesnapError({
    code: 'STATE_TOO_LARGE',
    message: `no restore point of ${unit} can be written: its manifest would have ${why}, with ${sets} SSTables and ${files} other files by then; compact the table, or leave files out with -e`,
    step: { operation: 'write state', path: unit },
  })
}
