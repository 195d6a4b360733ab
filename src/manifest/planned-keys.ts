import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { getObject } from '../s3/object.js'

import { objectsOf, parsePlan, planKey, plansOf, type ChopRecord } from './chop-plan.js'
import { KeySet } from './key-set.js'
import type { KeyLayout } from './keys.js'

/** Reads an object of the bucket; undefined: it is not there. */
export type ReadObject = (key: string) => Promise<Buffer | undefined>

/**
 * The keys that tablechop may delete at any time: whoever writes manifests counts them as absent, so that no manifest ever names
 * an object that is about to go. The same content gets a key of its own, which no plan can name yet.
 *
 * It keeps hashes: of a key that it only seems to have, the content gets a second object. That is all the harm.
 */
export class PlannedKeys {
  /** Nothing is planned. */
  static readonly none = new PlannedKeys(undefined)
  readonly #keys = new KeySet()
  readonly #paths = new KeySet()

  private constructor(
    /** The suffix of keys for content whose usual keys are planned; undefined: nothing is planned. */
    readonly suffix: string | undefined,
  ) {}

  /** Reads the plans that a node.json names. @throws S3Error; TablesnapError `PLAN_CORRUPT` */
  static async read(read: ReadObject, keys: KeyLayout, chops: readonly ChopRecord[]): Promise<PlannedKeys> {
    const ids = [...plansOf(chops)].sort()
    const newest = ids.at(-1)
    const planned = new PlannedKeys(newest)
    for (const id of ids) {
      const key = planKey(keys, id)
      const body = await read(key)
      // It was carried out, and cleared away meanwhile.
      if (body === undefined) continue
      for (const chunk of parsePlan(body, key).chunks) {
        const lines = await read(chunk.key)
        if (lines === undefined) continue
        for await (const objects of objectsOf(lines, chunk.key))
          for (const object of objects) planned.#add(keys, object.key)
      }
    }
    return planned
  }

  /** {@link read} from a bucket. */
  static load(client: S3Client, keys: KeyLayout, chops: readonly ChopRecord[]): Promise<PlannedKeys> {
    const read = async (key: string): Promise<Buffer | undefined> => {
      try {
        return (await getObject(client, key)).body
      } catch (error) {
        if (isS3Error(error, 404)) return undefined
        throw error
      }
    }
    return this.read(read, keys, chops)
  }

  get size(): number {
    return this.#keys.size
  }

  /** Whether a key is planned. */
  has(key: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(key)
  }

  /** Whether the plain key of a file, or that of other content under its name, is planned. @param path absolute */
  concerns(path: string): boolean {
    return this.#paths.size > 0 && this.#paths.has(path)
  }

  #add(keys: KeyLayout, key: string): void {
    this.#keys.add(key)
    const path = keys.pathOf(key)
    if (path !== undefined) this.#paths.add(path)
  }
}
