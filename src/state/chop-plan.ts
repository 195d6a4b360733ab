import { gunzipSync, gzipSync } from 'node:zlib'

import { TablesnapError } from '../errors.js'

import type { KeyLayout } from './keys.js'

/**
 * What tablechop is about to delete below one path, as node.json names it. Writers of the node count each key of `plan` and of
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
    return { format, id, scope, began, chunks: chunks.map(chunkOf) }
  } catch (cause) {
    throw corruptPlan(key, cause)
  }
}

function chunkOf(value: unknown): PlanChunk {
  const { key, phase, objects } = value as Partial<PlanChunk>
  if (typeof key !== 'string' || typeof objects !== 'number' || !PHASES.includes(phase as Phase))
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

/** The objects of a chunk, in its order. @throws TablesnapError `PLAN_CORRUPT` */
export function* objectsOf(body: Buffer, key: string): Generator<PlannedObject> {
  let text: string
  try {
    text = gunzipSync(body).toString('utf8')
  } catch (cause) {
    throw corruptPlan(key, cause)
  }
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from)
    if (end < 0) throw corruptPlan(key)
    yield objectOf(text.slice(from, end), key)
    from = end + 1
  }
}

function objectOf(line: string, chunk: string): PlannedObject {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw corruptPlan(chunk, cause)
  }
  const [key, size, etag, lastModified] = Array.isArray(value) ? (value as unknown[]) : []
  if (typeof key !== 'string' || typeof size !== 'number' || typeof etag !== 'string')
    throw corruptPlan(chunk)
  return { key, size, etag, lastModified: typeof lastModified === 'number' ? lastModified : NaN }
}

function corruptPlan(key: string, cause?: unknown): TablesnapError {
  return new TablesnapError({
    code: 'PLAN_CORRUPT',
    message: `${key} cannot be used: it is no plan of tablechop; delete it, and run tablechop again`,
    operation: 'retain',
    key,
    cause,
  })
}
