import {
  PHASES,
  chunkKey,
  lineOf,
  packLines,
  planKey,
  type ChopPlan,
  type Phase,
  type PlanChunk,
  type PlannedObject,
} from '../manifest/chop-plan.js'
import type { KeyLayout } from '../manifest/keys.js'

import type { RetentionBucket } from './ports.js'

/** Characters that are packed at once. */
const PACK = 256 * 1024

/** Bytes of a chunk: some 100,000 objects. */
const CHUNK = 4 * 1024 * 1024

/** The chunk of a phase that is being filled. */
interface Open {
  lines: string[]
  length: number
  packed: Buffer[]
  bytes: number
  objects: number
  chunks: number
}

/** Writes a plan into the bucket while it is made; until node.json names it, it means nothing. */
export class PlanWriter {
  readonly id: string
  readonly #bucket: RetentionBucket
  readonly #keys: KeyLayout
  readonly #open = new Map<Phase, Open>()
  readonly #chunks: PlanChunk[] = []

  constructor(bucket: RetentionBucket, keys: KeyLayout, id: string) {
    this.#bucket = bucket
    this.#keys = keys
    this.id = id
  }

  /** How many objects it holds. */
  get objects(): number {
    let objects = this.#chunks.reduce((sum, chunk) => sum + chunk.objects, 0)
    for (const open of this.#open.values()) objects += open.objects
    return objects
  }

  /** @throws S3Error */
  async add(phase: Phase, object: PlannedObject): Promise<void> {
    let open = this.#open.get(phase)
    if (open === undefined) {
      open = { lines: [], length: 0, packed: [], bytes: 0, objects: 0, chunks: 0 }
      this.#open.set(phase, open)
    }
    const line = lineOf(object)
    open.lines.push(line)
    open.length += line.length
    open.objects++
    if (open.length < PACK) return
    this.#pack(open)
    if (open.bytes >= CHUNK) await this.#write(phase, open)
  }

  /** Writes the rest, and the plan itself. @param began ms since 1970 @throws S3Error */
  async finish(scope: string, began: number): Promise<ChopPlan> {
    for (const phase of PHASES) {
      const open = this.#open.get(phase)
      if (open === undefined || open.objects === 0) continue
      this.#pack(open)
      await this.#write(phase, open)
    }
    const plan: ChopPlan = { format: 1, id: this.id, scope, began, chunks: this.#chunks }
    await this.#bucket.write(planKey(this.#keys, this.id), Buffer.from(JSON.stringify(plan)))
    return plan
  }

  #pack(open: Open): void {
    if (open.lines.length === 0) return
    const packed = packLines(open.lines.join(''))
    open.packed.push(packed)
    open.bytes += packed.length
    open.lines = []
    open.length = 0
  }

  async #write(phase: Phase, open: Open): Promise<void> {
    const key = chunkKey(this.#keys, this.id, phase, ++open.chunks)
    const body = Buffer.concat(open.packed)
    this.#chunks.push({ key, phase, objects: open.objects })
    open.packed = []
    open.bytes = 0
    open.objects = 0
    await this.#bucket.write(key, body)
  }
}
