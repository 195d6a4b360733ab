import type { PlannedObject } from '../../../src/manifest/chop-plan.js'
import { hashOf } from '../../../src/manifest/key-set.js'
import type { ReadResult, RetentionBucket, UnfinishedUpload } from '../../../src/retention/ports.js'
import type { DeletionResult } from '../../../src/s3/delete.js'
import type { ListedObject } from '../../../src/s3/list.js'
import type { Random } from '../../manifest/random.js'

import type { Turns } from './turns.js'

/** An object of the model. */
export interface ModelObject {
  readonly key: string
  readonly body: Buffer
  readonly etag: string
  /** Whole seconds, ms since 1970. */
  readonly lastModified: number
}

/** Told of what happens in the bucket. */
export interface BucketWatcher {
  /** An object is about to be deleted. */
  deleting(object: ModelObject): void
  /** All objects of a request were deleted. */
  deleted(): void
  /** An object was written. */
  written(key: string): void
}

/** The objects that all actors share. */
export class ModelStore {
  readonly objects = new Map<string, ModelObject>()
  readonly watchers: BucketWatcher[] = []

  constructor(readonly turns: Turns) {}

  /** @param lastModified of a multipart object, when it was begun */
  put(key: string, body: Buffer, lastModified = this.turns.now): void {
    const etag = hashOf(body.toString('latin1')).toString(16)
    this.objects.set(key, { key, body, etag, lastModified: Math.floor(lastModified / 1000) * 1000 })
    for (const watcher of this.watchers) watcher.written(key)
  }

  delete(key: string): void {
    const object = this.objects.get(key)
    if (object === undefined) return
    for (const watcher of this.watchers) watcher.deleting(object)
    this.objects.delete(key)
  }

  /** A request that deletes was carried out. */
  deleted(): void {
    for (const watcher of this.watchers) watcher.deleted()
  }
}

/** The bucket as one run of tablechop sees it; each request takes a turn. */
export class ModelBucket implements RetentionBucket {
  /** Requests by their name. */
  readonly requests = new Map<string, number>()
  /** The run was killed: no request of it is ever answered, and none is carried out. */
  isDead = false
  readonly #store: ModelStore
  readonly #random: Random

  constructor(store: ModelStore, random: Random) {
    this.#store = store
    this.#random = random
  }

  now(): number {
    return this.#store.turns.now
  }

  clock(): number {
    return this.#store.turns.now
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let after = ''
    for (;;) {
      await this.#turn('list')
      // A page shows what is there now.
      const page = [...this.#store.objects.values()]
        .filter(({ key }) => key.startsWith(prefix) && key > after)
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .slice(0, 10 + this.#random.below(60))
      for (const { key, body, etag, lastModified } of page)
        yield { key, size: body.length, etag, lastModified }
      const last = page.at(-1)?.key
      if (last === undefined) return
      after = last
    }
  }

  async read(key: string): Promise<ReadResult | undefined> {
    await this.#turn('read')
    return this.#store.objects.get(key)
  }

  async write(key: string, body: Buffer): Promise<void> {
    await this.#turn('write')
    this.#store.put(key, body)
  }

  async replace(key: string, body: Buffer, etag: string | undefined): Promise<boolean> {
    await this.#turn('replace')
    if (this.#store.objects.get(key)?.etag !== etag) return false
    this.#store.put(key, body)
    return true
  }

  async delete(objects: readonly PlannedObject[]): Promise<readonly DeletionResult[]> {
    await this.#turn('delete')
    const results = objects.map(({ key, etag }): DeletionResult => {
      const now = this.#store.objects.get(key)
      if (now !== undefined && now.etag !== etag)
        return { key, outcome: 'refused', code: 'PreconditionFailed' }
      this.#store.delete(key)
      return { key, outcome: 'deleted' }
    })
    this.#store.deleted()
    return results
  }

  lockedUntil(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  async *unfinished(): AsyncGenerator<UnfinishedUpload> {
    yield* []
  }

  newestPart(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  abort(): Promise<void> {
    return Promise.resolve()
  }

  sleep(ms: number): Promise<void> {
    return this.#store.turns.sleep(ms)
  }

  async #turn(name: string): Promise<void> {
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1)
    await this.#store.turns.step()
    if (this.isDead) await new Promise<never>(() => undefined)
  }
}
