import { TablesnapError } from '../errors.js'

import type { Delta, State } from './state.js'

/** A manifest as it lies in the bucket: the full state, or a delta. */
export interface StoredState {
  readonly state: State
  /** Undefined: the state is full. */
  readonly delta: Delta | undefined
}

/** Bytes of a manifest's JSON beyond which it is neither written nor believed: one of 400,000 SSTables has 400 MiB, and takes 2 GB of memory. */
export const MAX_JSON = 512 * 1024 * 1024

/** Bytes of a gzipped manifest: the S3 client takes no larger answer into memory. */
export const MAX_BODY = 128 * 1024 * 1024

/** Characters of one line of a manifest: that of an SSTable with 100 SAI indexes has a tenth of it. */
export const MAX_LINE = 1024 * 1024

/** How long the thread is busy with a manifest before it lets others run, ms. */
export const SLICE = 10

/** The error of a manifest that cannot be used. @param why a phrase */
export function corrupt(key: string, why: string, cause?: unknown): TablesnapError {
  return new TablesnapError({
    code: 'STATE_CORRUPT',
    message: `manifest ${key} cannot be used: ${why}`,
    step: { operation: 'read state', key },
    cause,
  })
}
