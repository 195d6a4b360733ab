import { tableOfUnit } from '../cassandra/unit.js'
import type { State } from '../manifest/state.js'

import type { Missing, TableSettings } from './ports.js'
import type { TableDirectory } from './table-facts.js'
import type { TableFiles } from './table-files.js'
import type { TableModel } from './table-model.js'

/** `loading` the newest manifest; `scanning`; `live`: every change is known; `gap`: changes may have been missed. */
export type TablePhase = 'loading' | 'scanning' | 'live' | 'gap'

/** What others may ask of a table. Nothing here changes it. */
export class TableView {
  /** Whether it is a table; otherwise it is another directory. */
  readonly isTable: boolean
  /** Whether the run ends when all that it found is in the bucket. */
  readonly isOneShot: boolean
  protected readonly model: TableModel

  protected constructor(
    readonly name: string,
    { isOneShot }: TableSettings,
    model: TableModel,
  ) {
    this.isTable = tableOfUnit(name) !== undefined
    this.isOneShot = isOneShot
    this.model = model
  }

  get phase(): TablePhase {
    const { placement, points } = this.model
    if (!points.isLoaded) return 'loading'
    if (placement.history === undefined) return 'scanning'
    return placement.hasGap ? 'gap' : 'live'
  }

  get directories(): ReadonlyMap<string, TableDirectory> {
    return this.model.directories.byPath
  }

  /** The newest manifest in the bucket, as far as it is known. */
  get newest(): State | undefined {
    return this.model.points.newest
  }

  /** Whether a restore point of what was found is in the bucket, or none is needed. */
  get isCovered(): boolean {
    return this.model.points.isCovered
  }

  /** Whether the newest manifest is of the last change, and of the last upload. */
  get isCurrent(): boolean {
    return this.model.points.isCurrent
  }

  /** Whether nothing is to be judged, uploaded, or decided. */
  get isIdle(): boolean {
    const { placement, points, worklist } = this.model
    return points.isLoaded && worklist.isIdle && (worklist.isStopped || placement.isSettled)
  }

  /** Whether nothing of it is left on the disk, and the newest manifest says so: it may be forgotten. */
  get isFinished(): boolean {
    const { points } = this.model
    return this.directories.size === 0 && this.isIdle && points.isCovered && points.isSaid
  }

  /** How many things it holds beside its files: bounded by what is under way. */
  get size(): number {
    const { logs, placement, worklist } = this.model
    return placement.size + worklist.size + logs.size
  }

  /** All SSTables, and files that belong to none, that are there. */
  files(): Iterable<TableFiles> {
    return this.model.directories.files()
  }

  /** @param name of an SSTable, or of a file that belongs to none */
  get(directory: string, name: string): TableFiles | undefined {
    return this.model.directories.find(directory, name)
  }

  /** All that restore points may yet name, also what is not there any more. */
  known(): Set<TableFiles> {
    const { placement, points } = this.model
    return new Set([
      ...this.files(),
      ...points.kept.sstables.values(),
      ...placement.unplaced,
      ...(placement.history?.wanted() ?? []),
    ])
  }

  /** The SSTables, and files that belong to none, that are on the disk and not in the bucket; bounded by what is under way. */
  *waiting(): Generator<{ readonly bytes: number; readonly since: number }> {
    for (const [{ status, remote }, since] of this.model.worklist.open) {
      const bytes = remote.bytesOutdated
      if (bytes > 0 && status !== 'done' && status !== 'obsolete' && status !== 'old') yield { bytes, since }
    }
  }

  /** The files that the next restore point lacks, and why. */
  *missing(): Generator<Missing> {
    for (const { path, status } of this.files()) {
      if (status === 'done' || status === 'obsolete') continue
      if (status === 'written' || status === 'failed' || status === 'uploading' || status === 'old')
        yield { path, why: status }
      else yield { path, why: 'incomplete' }
    }
  }

  /** Whether the newest restore point lacks an SSTable that is not there any more. A directory (`…/*`) is told of by itself. */
  get lacksGone(): boolean {
    const isPartial = this.newest?.unprotected.some(path => !path.endsWith('/*')) === true
    return isPartial && this.missing().next().done === true
  }

  /** Whether a restore point may yet name an SSTable. */
  isWanted(files: TableFiles): boolean {
    return this.model.placement.history?.wants(files) !== false
  }

  /** When the SSTables that are uploaded can be named, ms of the monotonic clock; undefined: they can be now. */
  get restsAt(): number | undefined {
    return this.model.placement.restsAt
  }
}
