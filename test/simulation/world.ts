import type { Random } from '../manifest/random.js'

import type { Bucket } from './bucket.js'
import type { FileSystem } from './file-system.js'
import type { Network } from './network.js'
import type { Program } from './program.js'
import type { Scheduler } from './scheduler.js'
import type { CoreTable, MakeCore } from './core.js'
import type { Orders } from '../../src/tables/ports.js'

/** All that a simulated process lives in. */
export interface World {
  readonly time: Scheduler
  readonly fs: FileSystem
  readonly bucket: Bucket
  readonly network: Network
  readonly random: Random
  readonly makeCore: MakeCore
  readonly program: Program
  /** ms since 1970 by the server's clock, as a process that is right about it knows it. */
  serverTime(): number
  readonly watcher: WorldWatcher
}

/** Who is told what the processes do. */
export interface WorldWatcher {
  news(table: CoreTable, news: Parameters<Orders['tell']>[1], daemon: object): void
  /** Every event was read that had happened until an instant, from another one on. */
  caughtUp(daemon: object, from: number, to: number): void
  /** --delete-on-backup has deleted an SSTable of a unit. @param data content of its Data.db */
  deleted(unit: string, path: string, data: number): void
}

/** Where the watched directories lie. */
export const ROOTS = ['/d1', '/d2']

/** Where a restore of ours moves SSTables of another moment. */
export const ASIDE = '/d1/.tablesnap-replaced-20260101T000000000Z'
