import { errorMessage } from '../errors.js'
import type { Phase, PlannedObject } from '../manifest/chop-plan.js'
import type { KeyLayout } from '../manifest/keys.js'
import { MAX_DELETES } from '../s3/delete.js'

import type { DeletionRule } from './deletion-rule.js'
import { chopOf, raced, readNodeFile, sameChop, type NodeFile } from './node-file.js'
import type { RetentionBucket } from './ports.js'
import { Reads } from './reads.js'
import type { RipePlan } from './ripe-plan.js'

/** How old the last look at node.json may be when objects are deleted, ms: another run may have ended the plan. */
const FRESH = 60_000

/** A key that could not be deleted. */
export interface FailedKey {
  readonly key: string
  readonly why: string
}

/** Told of what is deleted. */
export interface DeletionObserver {
  /** @param isHidden whether the bucket keeps it as an old version */
  deleted(object: PlannedObject, isHidden: boolean): void
  /** Object Lock keeps it. @param until ms since 1970; Infinity: until somebody ends the hold */
  locked(object: PlannedObject, until: number): void
  failed(failed: FailedKey): void
}

/** Counts of a run's deletions. */
export interface Deleted {
  objects: number
  bytes: number
  /** Of a bucket with versions: what was deleted stays as an old version. */
  hidden: number
  /** Bytes of those. */
  hiddenBytes: number
  /** Objects that Object Lock keeps for now. */
  locked: number
  /** Objects that are others now than they were planned. */
  changed: number
  failed: number
}

/** Says what of a plan goes in the end. */
export interface Permission {
  allows(key: string): boolean
  /** A manifest or a listing could not be deleted: what it names is not allowed any more. @throws S3Error */
  protect(key: string): Promise<void>
  /** An object of the plan is not deleted now. @throws S3Error */
  leave(phase: Phase, object: PlannedObject): Promise<void>
}

/** Carries a plan out: manifests first, then listings, then files. */
export class Executor {
  readonly deleted: Deleted = {
    objects: 0,
    bytes: 0,
    hidden: 0,
    hiddenBytes: 0,
    locked: 0,
    changed: 0,
    failed: 0,
  }
  readonly #bucket: RetentionBucket
  readonly #keys: KeyLayout
  readonly #rule: DeletionRule
  readonly #node: NodeFile
  readonly #observer: DeletionObserver
  #looked = -Infinity
  /** Objects of the phase that could not be deleted. */
  readonly #stuck: PlannedObject[] = []

  /** @param node as it was read when the run began */
  constructor(
    bucket: RetentionBucket,
    keys: KeyLayout,
    rule: DeletionRule,
    node: NodeFile,
    observer: DeletionObserver,
  ) {
    this.#bucket = bucket
    this.#keys = keys
    this.#rule = rule
    this.#node = node
    this.#observer = observer
  }

  /**
   * @param permission for objects that were confirmed
   * @param width requests at once
   * @throws S3Error; TablesnapError `CHOP_RACED`
   */
  async run(ripe: RipePlan, permission: Permission, width: number): Promise<void> {
    for (const phase of this.#rule.phases) {
      const reads = new Reads(width)
      for await (const slice of ripe.confirmed(phase, MAX_DELETES)) {
        const wanted = slice.filter(({ key }) => permission.allows(key))
        for (const object of slice) if (!permission.allows(object.key)) await permission.leave(phase, object)
        if (wanted.length === 0) continue
        await this.#checkPlan()
        await reads.begin(() => this.#delete(wanted))
      }
      // A manifest has to be gone before the objects go that it names.
      await reads.end()
      for (const object of this.#stuck.splice(0)) {
        await permission.leave(phase, object)
        if (phase !== 'files') await permission.protect(object.key)
      }
    }
  }

  async #delete(objects: readonly PlannedObject[]): Promise<void> {
    const byKey = new Map(objects.map(object => [object.key, object]))
    try {
      for (const { key, outcome, code, message } of await this.#bucket.delete(objects)) {
        const object = byKey.get(key)
        if (object === undefined) continue
        if (outcome === 'refused' && code === 'PreconditionFailed') this.deleted.changed++
        else if (outcome === 'refused') await this.#refused(object, `${code ?? ''} ${message ?? ''}`.trim())
        else {
          this.deleted.objects++
          this.deleted.bytes += object.size
          if (outcome === 'hidden') {
            this.deleted.hidden++
            this.deleted.hiddenBytes += object.size
          }
          this.#observer.deleted(object, outcome === 'hidden')
        }
      }
    } catch (error) {
      for (const object of objects) this.#failed(object, errorMessage(error))
    }
  }

  /** A server says in many ways that an object is locked: the object itself tells it. */
  async #refused(object: PlannedObject, why: string): Promise<void> {
    const until = await this.#bucket.lockedUntil(object.key).catch(() => undefined)
    if (until === undefined) {
      this.#failed(object, why)
      return
    }
    this.deleted.locked++
    this.#stuck.push(object)
    this.#observer.locked(object, until)
  }

  #failed(object: PlannedObject, why: string): void {
    this.deleted.failed++
    this.#stuck.push(object)
    this.#observer.failed({ key: object.key, why })
  }

  /** A run that stood still for long must not delete what has a new life since. */
  async #checkPlan(): Promise<void> {
    const now = this.#bucket.clock()
    if (now - this.#looked < FRESH) return
    const node = await readNodeFile(this.#bucket, this.#keys)
    const { name } = this.#rule.options.scope
    if (!sameChop(chopOf(node, name), chopOf(this.#node, name))) throw raced()
    this.#looked = now
  }
}
