import type { ManifestObserver, ManifestWriter } from '../../src/backup/manifest-writer.js'
import type { Clockwork, Ownership, UpstreamListings } from '../../src/backup/ports.js'
import type { ManifestStore } from '../../src/manifest/manifest-store.js'
import type { State } from '../../src/manifest/state.js'

import { isLater } from './bucket.js'

/** What the simulated processes call of the manifest writer. */
export type Writer = Pick<ManifestWriter, 'changed' | 'flush' | 'forget' | 'isBusy' | 'failed'>

/** What a writer of manifests works with. */
export interface WriterParts {
  readonly store: ManifestStore
  readonly listings: UpstreamListings
  readonly ownership: Ownership
  readonly clockwork: Clockwork
  readonly observer: ManifestObserver
  readonly isOneShot: boolean
}

/** What of the program besides the core of its tables was different before. */
export interface Program {
  /** Which of two manifests is the newer one for whoever reads. */
  readonly isLater: (a: State, b: State) => boolean
  /** Undefined: the writer of today. */
  readonly makeWriter: ((parts: WriterParts) => Writer) | undefined
  /** Whether a run that ends scans again what it could not watch, and fails when a table has no restore point. */
  readonly isThoroughAtEnd: boolean
  /** Whether a failure leaves the summary with the SSTable that it is about. */
  readonly forgetsFailures: boolean
}

export const TODAY: Program = {
  isLater,
  makeWriter: undefined,
  isThoroughAtEnd: true,
  forgetsFailures: true,
}
