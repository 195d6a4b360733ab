import type { FileIdentity } from '../cassandra/file-identity.js'
import type { DirectoryIdentity, Entry, State } from '../manifest/state.js'

import type { TableFiles } from './table-files.js'
import type { Table } from './table.js'

/** How a file came: `closed` after a writer, `moved-in` by a rename, `created` (a hardlink has no other event). */
export type Arrival = 'created' | 'closed' | 'moved-in'

/** Why a directory was scanned: it was there at the start; it appeared later; a table asked for it, or an hour is over. */
export type ScanReason = 'start' | 'new' | 'rescan'

/**
 * The disk, as tables ask for it. Each answer is true at the moment of the call, which may be later than the events that
 * the table has been told of.
 */
export interface Disk {
  /** The regular file under a path, symbolic links followed; undefined: there is none. */
  file(path: string): FileIdentity | undefined
  /** The directory under a path; undefined: there is none. */
  directory(path: string): DirectoryIdentity | undefined
  /** The components that a TOC.txt lists; undefined: it is not there, or cannot be read. */
  toc(path: string): readonly string[] | undefined
  /** Whether a restore of ours moved an SSTable aside: the file of this name and inode lies in our directory for that. */
  isMovedAside(directory: string, name: string, inode: bigint): boolean
}

/** The one clock that tables read. */
export interface Clock {
  /** ms of a monotonic clock. */
  now(): number
  /** ms since 1970, by the S3 server's clock. */
  time(): number
}

/** An instant by both clocks. */
export interface Instant {
  /** ms of the monotonic clock. */
  readonly now: number
  /** ms since 1970, by the S3 server's clock. */
  readonly time: number
}

/** The result of a scan of one directory. */
export interface DirectoryScan {
  readonly path: string
  /** The secondary index that it holds, or ''. */
  readonly index: string
  readonly identity: DirectoryIdentity | undefined
  /** Its files that may be backed up, by name; no transaction logs. */
  readonly files: ReadonlyMap<string, FileIdentity>
  /** Names of its transaction logs: all others are gone. */
  readonly logs: readonly string[]
  /** Whether inotify tells of changes in it. */
  readonly isWatched: boolean
  readonly reason: ScanReason
}

/** Something that the next restore point lacks. */
export interface Missing {
  readonly path: string
  readonly why: 'incomplete' | 'written' | 'failed' | 'uploading' | 'old'
}

/** An SSTable, or a file that belongs to none, that is complete and not in the bucket as it is now. */
export interface Ready {
  readonly files: TableFiles
  /** Names of its files on the disk. */
  readonly names: readonly string[]
  /** Files that are in the bucket as they were then, by name. */
  readonly durable: ReadonlyMap<string, Entry>
  /** The scan at the start found it, and nothing has happened to it since. */
  readonly isUntouched: boolean
}

/** How an upload ended. */
export interface UploadResult {
  /** Its files that are in the bucket now. */
  readonly durable: ReadonlyMap<string, Entry>
  /** Those of its files that were there. */
  readonly names: readonly string[]
  /** `done`; `failed`: to be tried again after a pause; `changed` meanwhile: to be judged again; `gone`: Cassandra deleted it. */
  readonly next: 'done' | 'failed' | 'changed' | 'gone'
  /** Its Data.db does not have the CRC-32 that its Digest.crc32 says. */
  readonly isCorrupt?: boolean
}

/** News of a table for the operator. */
export type TableNews =
  /** SSTables vanished, and no transaction log says why: restore points are marked as unexplained. */
  | { readonly kind: 'vanished'; readonly paths: readonly string[] }
  /** SSTables vanished without a reason in an earlier run, and restore points are marked for them still. */
  | { readonly kind: 'unexplained'; readonly paths: readonly string[] }
  /** The newest manifest cannot be read, and nothing else says which SSTables --delete-on-backup deleted. */
  | { readonly kind: 'forgotten' }
  /** A directory of the newest manifest is missing, or another one has its path, and SSTables that it had are not there. */
  | { readonly kind: 'directory-replaced'; readonly path: string }
  /** Another directory has the path of one of the newest manifest, and all the SSTables that it had. */
  | { readonly kind: 'directory-renewed'; readonly path: string }
  /** SSTables of the table lie in a directory that is not watched: its restore points are partial. */
  | { readonly kind: 'directory-unwatched'; readonly path: string }
  /** An SSTable is incomplete, or does not come to rest, for a long time. @property isPart whether restore points name it as not backed up */
  | {
      readonly kind: 'incomplete'
      readonly path: string
      readonly isPart: boolean
      readonly missing: readonly string[]
    }
  /** It is whole, or gone. */
  | { readonly kind: 'complete'; readonly path: string }
  /** Changes of the table were missed; it is scanned again. */
  | { readonly kind: 'gap'; readonly why: string }

/** The orders that a table gives. The receiver never calls the table back before it has returned. */
export interface Orders {
  /** An SSTable is ready: pin and upload it, then call {@link Table.uploaded}, whatever happened. */
  upload(table: Table, ready: Ready): void
  /** An SSTable is complete, and in the bucket as it is. */
  present(table: Table, files: TableFiles): void
  /** Its Data.db, or the file that belongs to no SSTable, was deleted: descriptors that are held for it keep disk space from being free. */
  unlinked(table: Table, files: TableFiles): void
  /** {@link Table.draft} may have a restore point to write, or will once the pace allows it. */
  restorePoint(table: Table): void
  /** Scan these directories again and call {@link Table.scanned} for each, also for those that are not watched. */
  rescan(table: Table, directories: readonly string[], why: string): void
  /** Call {@link Table.look} at this time of the monotonic clock, in place of a time asked for before; undefined: never. */
  wake(table: Table, at: number | undefined): void
  /** Something an operator should know. */
  tell(table: Table, news: TableNews): void
}

/** How tables behave; the same for all of a run. */
export interface TableSettings {
  /** How long files that no transaction log announced must be unchanged before they count as complete, ms. */
  readonly settle: number
  /** Whether files that are there at the start are backed up, too. */
  readonly backsUpExisting: boolean
  /** Whether the run ends: it does not wait for what does not come to rest, and does not try again. */
  readonly isOneShot: boolean
  /** Whether to look on disk for SSTables that a transaction log names but no event announced. */
  readonly looksForUnannounced: boolean
  /** Whether a file is backed up, by its directory and name. */
  readonly isBackedUp: (directory: string, name: string) => boolean
  /** Whether the run took the node's name over from a writer that is gone. */
  readonly tookOver: boolean
  /** What manifests of epochs before this one call unexplained was accepted by --take-over; 0: nothing was. */
  readonly acceptedEpoch: number
  /** Whether files are deleted from the disk once a manifest names them. */
  readonly deletesUploaded: boolean
}

/** All that a table asks: how to behave, the disk, and the time. */
export interface Surroundings {
  readonly settings: TableSettings
  readonly disk: Disk
  readonly clock: Clock
}

/** A restore point that can be written now; see {@link Table.draft}. */
export interface Draft {
  /** The manifest: `node` and `epoch` are the writer's to fill in. */
  readonly state: State
  /** The files that may be deleted from the disk once the manifest is in the bucket (`--delete-on-backup`). */
  readonly leaving: readonly TableFiles[]
  /** Whether it says what the newest manifest says, and is true after changes that this one does not tell of. */
  readonly isRepeat?: boolean
}
