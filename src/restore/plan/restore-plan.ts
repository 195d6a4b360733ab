import type { TablesnapError } from '../../errors.js'
import type { Refusal } from '../../manifest/key-path.js'
import type { UnitMoment } from '../choose/unit-moments.js'
import type { Missing, MomentFile } from '../read/moment.js'

import type { FileSystemShare } from './file-system.js'
import type { TargetDirectory } from './target.js'

/** A set that is to be brought. */
export interface PlannedSet {
  readonly name: string
  /** Absolute, as on the node the objects came from. */
  readonly origin: string
  readonly directory: TargetDirectory
  /** Where staging is for it. */
  readonly base: string
  /** The files that are not in place yet, Data.db last. */
  readonly files: readonly MomentFile[]
  /** Names of files that go before the set comes, Data.db first. */
  readonly remove: readonly string[]
  /** Names of `files` that take the place of a file of other content. */
  readonly exchange: readonly string[]
}

/** A directory that is restored into. */
export interface PlannedDirectory extends TargetDirectory {
  /** When the listing that is restored was written, ms since 1970; undefined where none speaks of it. */
  readonly listed: number | undefined
  /** SSTables and files of the listing that are not restored. */
  readonly away: number
  readonly base: string
  /** Names of files of SSTables that the moment does not have, which are moved aside, Data.db first. */
  readonly aside: readonly string[]
}

/** All that a restore is going to do; nothing has been done yet. */
export interface RestorePlan {
  readonly name: string
  readonly target: string
  /** The chosen restore point of each table, in the order of the keys. */
  readonly units: readonly UnitMoment[]
  readonly directories: readonly PlannedDirectory[]
  readonly sets: readonly PlannedSet[]
  /** Files to be brought, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Files that are there already with the same content. */
  readonly present: number
  /** Objects that the moment names and the bucket lacks. */
  readonly missing: readonly Missing[]
  /** Sets that lack what Cassandra needs, and stay away as a whole: directory and name. */
  readonly broken: readonly string[]
  /** Sets that stay away because they were damaged on the node: directory and name. */
  readonly corrupt: readonly string[]
  /** All SSTables and files of the moments that are not restored, whatever the reason: directory and name. */
  readonly away: ReadonlySet<string>
  /** Directories with SSTables that are left out for want of a listing. */
  readonly unlisted: readonly string[]
  /** Directories that are left out because they have nothing as old as is asked for. */
  readonly later: readonly string[]
  readonly refused: readonly Refusal[]
  readonly shares: readonly FileSystemShare[]
  /** Commitlog segments that Cassandra will replay over what is restored: paths. */
  readonly segments: readonly string[]
  /** Why the restore may not begin. */
  readonly problems: readonly TablesnapError[]
}
