import type { TablesnapError } from '../errors.js'
import type { Entry } from '../manifest/state.js'

/** How the upload of one file ended. */
export interface FileOutcome {
  readonly name: string
  readonly outcome: 'uploaded' | 'present' | 'trusted' | 'version' | 'failed'
  readonly bytes: number
  /** How manifests name it; undefined when it failed. */
  readonly entry?: Entry
  /** The CRC-32 of a Data.db that was read. */
  readonly crc32?: number | undefined
  readonly error?: TablesnapError
}
