import type { Phase } from '../manifest/chop-plan.js'
import type { ListedObject } from '../s3/list.js'

/** An object that the rule lets go. */
export interface Going {
  readonly unit: string
  readonly object: ListedObject
  readonly phase: Phase
}

/** Whether an object came after the plan that is to be carried out: then the run that made the plan may not have seen it. */
export type IsNews = (object: ListedObject) => boolean

/** Counts a table's objects in the bucket, and those of them that go. */
export class Tally {
  objects = 0
  bytes = 0
  goingObjects = 0
  goingBytes = 0
  /** Bytes that go, by storage class; undefined: the LIST tells none. */
  readonly goingByClass = new Map<string | undefined, number>()

  count({ size }: ListedObject): void {
    this.objects++
    this.bytes += size
  }

  countGoing({ size, storageClass }: ListedObject): void {
    this.goingObjects++
    this.goingBytes += size
    this.goingByClass.set(storageClass, (this.goingByClass.get(storageClass) ?? 0) + size)
  }
}

/** Key, size and ETag as one text: another object under the same key has another one. */
export function identityOf({ key, size, etag }: Pick<ListedObject, 'key' | 'size' | 'etag'>): string {
  return `${key}\0${size}\0${etag}`
}
