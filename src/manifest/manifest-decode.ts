import { setImmediate } from 'node:timers/promises'
import { createGunzip, gunzipSync } from 'node:zlib'

import { TablesnapError, errorMessage } from '../errors.js'

import {
  FORMAT,
  directoryOf,
  entryOf,
  map,
  number,
  path,
  record,
  setOf,
  string,
  strings,
} from './entry-json.js'
import { kindOf, totalsOf } from './manifest-facts.js'
import { LineReader, isLined, type Members } from './manifest-lines.js'
import { MAX_JSON, MAX_LINE, SLICE, corrupt } from './manifest.js'
import type { Delta, Entry, State, StateSet, Totals } from './state.js'

/** Bytes of JSON that are unpacked and parsed at once: the manifests of most tables. */
const SMALL = 256 * 1024

/** Bytes of a JSON document that can only be parsed as a whole: earlier versions wrote no more. */
const MAX_WHOLE = 256 * 1024 * 1024

/** A manifest that was just read: nobody else has its maps. */
export interface DecodedState {
  readonly state: State & { readonly sets: Map<string, StateSet>; readonly files: Map<string, Entry> }
  readonly delta: Delta | undefined
  /** Of what this manifest itself names. */
  readonly own: Totals
}

/**
 * Reads what `encodeState` or an earlier version wrote. Of the former no piece of work takes the thread longer than a few ms.
 * @throws TablesnapError `STATE_CORRUPT`
 */
export async function decodeState(body: Buffer, key: string): Promise<DecodedState> {
  try {
    const small = unpackSmall(body)
    return stateOf(small === undefined ? await membersOf(body) : whole(small))
  } catch (cause) {
    if (cause instanceof TablesnapError) throw cause
    throw corrupt(key, errorMessage(cause), cause)
  }
}

/** @returns undefined where it is larger */
function unpackSmall(body: Buffer): string | undefined {
  // Few manifests shrink to less than a twentieth; what does is a small bomb at the worst.
  if (body.length > SMALL / 4) return undefined
  try {
    return gunzipSync(body, { maxOutputLength: SMALL }).toString('utf8')
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

async function membersOf(body: Buffer): Promise<Members> {
  const gunzip = createGunzip({ chunkSize: SMALL })
  const lines = new LineReader()
  const kept: Buffer[] = []
  let shape: 'unknown' | 'lines' | 'whole' = 'unknown'
  let bytes = 0
  let began = performance.now()
  gunzip.end(body)
  for await (const chunk of gunzip as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_JSON) throw new Error('it is larger than any manifest')
    if (shape !== 'lines') {
      if (bytes > MAX_WHOLE) throw new Error('it is larger than any manifest of its shape')
      kept.push(chunk)
      if (shape === 'unknown' && (chunk.includes(10) || bytes > MAX_LINE)) {
        shape = isLined(Buffer.concat(kept)) ? 'lines' : 'whole'
        if (shape === 'lines') for (const one of kept.splice(0)) lines.add(one)
      }
    } else lines.add(chunk)
    while (!lines.work(began + SLICE)) {
      await setImmediate()
      began = performance.now()
    }
    if (performance.now() < began + SLICE / 2) continue
    await setImmediate()
    began = performance.now()
  }
  if (shape === 'lines') return lines.end()
  return whole(Buffer.concat(kept).toString('utf8'))
}

/** A document of any shape, parsed at once. */
function whole(text: string): Members {
  const head = record(JSON.parse(text))
  if (head['format'] !== FORMAT) throw formatError(head['format'])
  const sets = map(head['sets'], path, setOf)
  const files = map(head['files'], path, entryOf)
  return {
    head,
    own: totalsOf({ sets, files }),
    lists: {
      unexplained: strings(head['unexplained']),
      unprotected: strings(head['unprotected']),
      removed: strings(head['removed']),
    },
    directories: map(head['directories'], path, directoryOf),
    sets,
    files,
    totals: head['totals'],
  }
}

function stateOf({ head, lists, directories, sets, files, own, totals }: Members): DecodedState {
  if (head['format'] !== FORMAT) throw formatError(head['format'])
  const time = Date.parse(string(head['time']))
  if (Number.isNaN(time)) throw new Error('its time is none')
  const { unexplained, unprotected, removed } = lists
  const state = {
    node: string(head['node']),
    epoch: number(head['epoch']),
    unit: string(head['unit']),
    time,
    gap: head['gap'] === true,
    unexplained,
    sets,
    files,
    unprotected,
    directories,
    ...(head['unlisted'] === true ? { unlisted: true as const } : {}),
  }
  const kind = head['kind']
  if (kind !== undefined && kind !== kindOf(state))
    throw new Error(`it calls itself ${JSON.stringify(kind)}, and is ${kindOf(state)}`)
  const said = totals === undefined || totals === null ? undefined : readTotals(totals)
  const base = head['base']
  if (base !== null) return { state, delta: { base: string(base), removed, totals: said }, own }
  if (said !== undefined && !sameTotals(said, own)) throw new Error('it names other files than it counts')
  return { state, delta: undefined, own }
}

/** Whether two counts of the same files agree. */
export function sameTotals(a: Totals, b: Totals): boolean {
  return a.sets === b.sets && a.files === b.files && a.bytes === b.bytes
}

function readTotals(value: unknown): Totals {
  const { sets, files, bytes } = record(value)
  return { sets: number(sets), files: number(files), bytes: number(bytes) }
}

function formatError(format: unknown): Error {
  return new Error(`its format is ${String(format)}, not ${FORMAT}`)
}
