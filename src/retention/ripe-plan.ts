import { TablesnapError } from '../errors.js'
import {
  PHASES,
  objectsOf,
  parsePlan,
  planKey,
  type ChopPlan,
  type Phase,
  type PlannedObject,
} from '../manifest/chop-plan.js'
import { KeySet } from '../manifest/key-set.js'
import type { KeyLayout } from '../manifest/keys.js'

import { identityOf } from './going.js'
import type { RetentionBucket } from './ports.js'

/** A plan that is old enough to be carried out: everybody who writes under the node's name knows of it. */
export class RipePlan {
  readonly #bucket: RetentionBucket
  readonly #planned = new KeySet()
  readonly #confirmed = new KeySet()

  private constructor(
    bucket: RetentionBucket,
    readonly plan: ChopPlan,
  ) {
    this.#bucket = bucket
  }

  /** @returns undefined where it is not in the bucket any more @throws S3Error; TablesnapError `PLAN_CORRUPT` */
  static async read(bucket: RetentionBucket, keys: KeyLayout, id: string): Promise<RipePlan | undefined> {
    const key = planKey(keys, id)
    const found = await bucket.read(key)
    if (found === undefined) return undefined
    const ripe = new RipePlan(bucket, parsePlan(found.body, key))
    for (const phase of PHASES)
      for await (const objects of ripe.#objects(phase))
        for (const object of objects) ripe.#planned.add(identityOf(object))
    return ripe
  }

  /** Whether it names an object as it is now. */
  names(object: PlannedObject): boolean {
    return this.#planned.has(identityOf(object))
  }

  /** The rule lets an object of it go now, too. */
  confirm(object: PlannedObject): void {
    this.#confirmed.add(identityOf(object))
  }

  /** The objects that were confirmed, in slices. @param most in a slice @throws S3Error */
  async *confirmed(phase: Phase, most: number): AsyncGenerator<PlannedObject[]> {
    let slice: PlannedObject[] = []
    for await (const objects of this.#objects(phase)) {
      for (const object of objects) {
        if (!this.#confirmed.has(identityOf(object))) continue
        slice.push(object)
        if (slice.length < most) continue
        yield slice
        slice = []
      }
    }
    if (slice.length > 0) yield slice
  }

  async *#objects(phase: Phase): AsyncGenerator<PlannedObject[]> {
    for (const chunk of this.plan.chunks) {
      if (chunk.phase !== phase) continue
      const found = await this.#bucket.read(chunk.key)
      if (found === undefined)
        throw new TablesnapError({
          code: 'PLAN_CORRUPT',
          message: `${chunk.key} is missing: another tablechop has cleared it away; run this one again`,
          step: { operation: 'retain', key: chunk.key },
        })
      yield* objectsOf(found.body, chunk.key)
    }
  }
}
