import type { History } from '../manifest/history.js'
import type { Standing } from '../manifest/lineage.js'

import { PATIENCE, REST_PATIENCE } from './patience.js'
import type { TableSettings } from './ports.js'
import type { TableFiles } from './table-files.js'

/** How SSTables and files stand in the next restore point: in the bucket, waited for, or waited for no longer. */
export class Standings {
  readonly #isOneShot: boolean
  #isExposed = false

  constructor({ isOneShot }: TableSettings) {
    this.#isOneShot = isOneShot
  }

  /** The run ends: nothing is waited for. */
  expose(): void {
    this.#isExposed = true
  }

  /** The standing of an SSTable. @param now ms of the monotonic clock */
  of(files: TableFiles, { live }: History<TableFiles>, now: number): Standing {
    if (files.stored !== undefined) return 'durable'
    if (!live.has(files)) return 'owed'
    return files.status === 'old' || files.isGivenUp || this.isHindered(files, now) ? 'waived' : 'owed'
  }

  /** Whether an SSTable or a file has kept restore points waiting for too long. */
  isHindered({ hinderedSince, restlessSince, isSSTable, status }: TableFiles, now: number): boolean {
    const patience = this.#isOneShot || this.#isExposed ? 0 : PATIENCE
    if (hinderedSince !== undefined && now - hinderedSince >= patience) return true
    // An SSTable that is being uploaded has come to rest, however long that takes.
    if (isSSTable && status === 'uploading') return false
    return restlessSince !== undefined && now - restlessSince >= REST_PATIENCE
  }

  /** Whether files that belong to no SSTable are on their way into the bucket, and not for too long. */
  waitForFiles(all: Iterable<TableFiles>, now: number): boolean {
    for (const files of all) {
      if (files.isSSTable || files.stored !== undefined) continue
      const { status } = files
      const isUnderWay = status !== 'old' && status !== 'done' && status !== 'waiting'
      if (isUnderWay && !this.isHindered(files, now)) return true
    }
    return false
  }
}
