import type { ListedObject } from '../s3/list.js'
import type { Phase } from '../state/chop-plan.js'

/** An object that the rule lets go. */
export interface Going {
  readonly unit: string
  readonly object: ListedObject
  readonly phase: Phase
}

/** Whether an object came after the plan that is to be carried out: then the run that made the plan may not have seen it. */
export type IsNews = (object: ListedObject) => boolean

/** What there is of a table in the bucket, and what of it goes. */
export class Tally {
  objects = 0
  bytes = 0
  goingObjects = 0
  goingBytes = 0
}

/** What tells an object from another that has had its key. */
export function identityOf({ key, size, etag }: Pick<ListedObject, 'key' | 'size' | 'etag'>): string {
  return `${key}\0${size}\0${etag}`
}
