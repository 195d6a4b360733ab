import { createGunzip, gunzipSync, gzipSync } from 'node:zlib'

import { TablesnapError } from '../errors.js'

import type { KeyLayout } from './keys.js'
import { MAX_LINE } from './manifest.js'

/**
 * The plan of tablechop for one path, as node.json names it. Writers of the node count each key of `plan` and of
 * `before` as absent: see `PlannedKeys`.
 */
export interface ChopRecord {
  /** Id of the plan that the next run of tablechop carries out. */
  readonly plan: string
  /** The plan before it, which a run that stands still may be carrying out yet. */
  readonly before: string | undefined
  /** When node.json began to name the plan, ms since 1970, by the server's clock. */
  readonly since: number
  /** The path that tablechop was given; with -r it ends in a slash. */
  readonly scope: string
}

/** Characters of a chunk's lines beyond which it is not believed: `PlanWriter` packs a tenth of it into one. */
const MAX_CHUNK = 256 * 1024 * 1024

/** Bytes of a chunk that are unpacked and parsed at once: a few ms of work. */
const UNPACKED = 64 * 1024

/** Bytes of a chunk that is most likely not larger when it is unpacked. */
const SMALL = 4 * 1024

/** 12 hex digits of the time, ms since 1970, and 4 that tell runs of one ms apart. */
const ID = /^[0-9a-f]{16}$/

/** The id of a new plan. @param now ms by the server's clock @param salt 0 to 65535 */
export function planId(now: number, salt: number): string {
  return now.toString(16).padStart(12, '0') + salt.toString(16).padStart(4, '0')
}

/** The plans that a node.json names: `{"chop": [{"plan": "…", "before": "…", "since": 1795406227843, "scope": "/data/"}], …}`. */
export function parseChops(value: unknown): readonly ChopRecord[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null) return []
    const { plan, before, since, scope } = one as Partial<Record<keyof ChopRecord, unknown>>
    if (typeof plan !== 'string' || !ID.test(plan)) return []
    if (typeof since !== 'number' || typeof scope !== 'string') return []
    return [
      { plan, before: typeof before === 'string' && ID.test(before) ? before : undefined, since, scope },
    ]
  })
}

/** Ids of all plans that records name. */
export function plansOf(chops: readonly ChopRecord[]): Set<string> {
  return new Set(chops.flatMap(({ plan, before }) => (before === undefined ? [plan] : [plan, before])))
}

/** The order in which a plan is carried out: what names others goes before what only it names. */
export const PHASES = ['deltas', 'manifests', 'listings', 'files'] as const
export type Phase = (typeof PHASES)[number]

/** An object that is to be deleted. */
export interface PlannedObject {
  readonly key: string
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** ms since 1970. */
  readonly lastModified: number
}

/** A part of a plan: an object in the bucket. */
export interface PlanChunk {
  readonly key: string
  readonly phase: Phase
  readonly objects: number
}

/** A plan: its chunks hold what is to be deleted. */
export interface ChopPlan {
  readonly format: 1
  readonly id: string
  readonly scope: string
  /** When the run began to look at the bucket, ms by the server's clock: what came later it may not have seen. */
  readonly began: number
  readonly chunks: readonly PlanChunk[]
}

/** The key of a plan. */
export function planKey(keys: KeyLayout, id: string): string {
  return `${keys.chops}${id}/plan.json`
}

/** The key of a chunk. @param number from 1 on */
export function chunkKey(keys: KeyLayout, id: string, phase: Phase, number: number): string {
  return `${keys.chops}${id}/${phase}-${String(number).padStart(6, '0')}.jsonl.gz`
}

/** @throws TablesnapError `PLAN_CORRUPT` */
export function parsePlan(body: Buffer, key: string): ChopPlan {
  try {
    const value = JSON.parse(body.toString('utf8')) as Partial<ChopPlan>
    const { format, id, scope, began, chunks } = value
    const isWhole = typeof id === 'string' && typeof scope === 'string' && typeof began === 'number'
    if (format !== 1 || !isWhole || !Array.isArray(chunks)) throw new Error('it is none')
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    return { format, id, scope, began, chunks: chunks.map(chunk => chunkOf(chunk, folder)) }
  } catch (cause) {
    throw corruptPlan(key, cause)
  }
}

/** @param folder of the plan: chunks lie nowhere else */
function chunkOf(value: unknown, folder: string): PlanChunk {
  const { key, phase, objects } = value as Partial<PlanChunk>
  if (
    typeof key !== 'string' ||
    !key.startsWith(folder) ||
    typeof objects !== 'number' ||
    !PHASES.includes(phase as Phase)
  )
    throw new Error('it has a chunk that is none')
  return { key, phase: phase as Phase, objects }
}

/** One line of a chunk. */
export function lineOf({ key, size, etag, lastModified }: PlannedObject): string {
  return `${JSON.stringify([key, size, etag, lastModified])}\n`
}

/** Lines of a chunk, as a member of its gzip file: members may follow each other. */
export function packLines(lines: string): Buffer {
  return gzipSync(lines, { level: 1 })
}

/**
 * The objects of a chunk, in its order and in slices. No piece of work takes the thread longer than a few ms.
 * @throws TablesnapError `PLAN_CORRUPT`
 */
export async function* objectsOf(body: Buffer, key: string): AsyncGenerator<PlannedObject[]> {
  let rest = ''
  let length = 0
  try {
    for await (const text of unpack(body)) {
      length += text.length
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE || length > MAX_CHUNK) throw new Error('it is larger than any chunk')
      yield lines.map(objectOf)
    }
    if (rest !== '') throw new Error('it is cut short')
  } catch (cause) {
    throw corruptPlan(key, cause)
  }
}

/** The text of a chunk; of a small one at once, as most plans are. */
async function* unpack(body: Buffer): AsyncGenerator<string> {
  const small = body.length <= SMALL ? unpackSmall(body) : undefined
  if (small !== undefined) {
    yield small
    return
  }
  const gunzip = createGunzip({ chunkSize: UNPACKED })
  gunzip.setEncoding('utf8')
  gunzip.end(body)
  yield* gunzip as AsyncIterable<string>
}

/** @returns undefined where it is larger */
function unpackSmall(body: Buffer): string | undefined {
  try {
    return gunzipSync(body, { maxOutputLength: UNPACKED }).toString('utf8')
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function objectOf(line: string): PlannedObject {
  const value: unknown = JSON.parse(line)
  const [key, size, etag, lastModified] = Array.isArray(value) ? (value as unknown[]) : []
  if (typeof key !== 'string' || typeof size !== 'number' || typeof etag !== 'string')
    throw new Error('a line of it names no object')
  return { key, size, etag, lastModified: typeof lastModified === 'number' ? lastModified : NaN }
}

function corruptPlan(key: string, cause: unknown): TablesnapError {
  return new TablesnapError({
    code: 'PLAN_CORRUPT',
    message: `${key} is not a valid plan of tablechop; delete it, and run tablechop again`,
    step: { operation: 'retain', key },
    cause,
  })
}
