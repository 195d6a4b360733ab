import type { KeyLayout } from '../manifest/keys.js'

import type { Writer } from './writer.js'

/** The node of the bucket that a run works for. */
export interface BucketNode {
  /** Its name in the bucket. */
  readonly name: string
  readonly keys: KeyLayout
  /** Who this machine is to the node's record. */
  readonly writer: Writer
}
