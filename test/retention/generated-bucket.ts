import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

import type { PlannedObject } from '../../src/manifest/chop-plan.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import type { RetentionBucket, UnfinishedUpload } from '../../src/retention/ports.js'
import type { DeletionResult } from '../../src/s3/delete.js'
import type { ListedObject } from '../../src/s3/list.js'

/** A node of 100 tables with 200 restore points each, one a day. Those that stay name a tenth of the objects. */
export const TABLES = 100
export const POINTS = 200
export const SSTABLES = Number(process.env['OBJECTS'] ?? 1_000_000) / TABLES / 10
export const COMPONENTS = [
  'Data.db',
  'Index.db',
  'Filter.db',
  'Summary.db',
  'Statistics.db',
  'TOC.txt',
  'Digest.crc32',
  'CompressionInfo.db',
  'CRC.db',
  'SAI+aa.db',
].sort()
export const NOW = Date.UTC(2026, 10, 25)
export const DAY = 86_400_000
export const PAGE = 1000
export const KEYS = new KeyLayout('', 'node1', ':')

export const idOf = (table: number): string =>
  `ks/t${String(table).padStart(3, '0')}-${String(table).padStart(32, '0')}`
export const pathOf = (table: number, sstable: number): string =>
  `/var/lib/cassandra/data/${idOf(table)}/nb-${String(sstable).padStart(6, '0')}-big`

/** A bucket that makes its objects when they are listed. Plans are kept. */
export class GeneratedBucket implements RetentionBucket {
  readonly requests = { pages: 0, reads: 0, writes: 0, deletes: 0 }
  readonly #objects = new Map<string, Buffer>()
  #now = NOW

  now(): number {
    return this.#now
  }

  /** @param ms how much later it is now */
  pass(ms: number): void {
    this.#now += ms
  }

  clock(): number {
    return 0
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let count = 0
    for (const object of this.listed(prefix)) {
      if (count++ % PAGE === 0) {
        this.requests.pages++
        await nextTurn()
      }
      yield object
    }
  }

  async read(key: string) {
    this.requests.reads++
    // As a real answer does: zlib frees its memory between two turns only.
    await nextTurn()
    const body = this.#objects.get(key) ?? manifestOf(key)
    return body === undefined ? undefined : { body, etag: 'e', lastModified: NOW }
  }

  write(key: string, body: Buffer): Promise<void> {
    this.requests.writes++
    this.#objects.set(key, body)
    return Promise.resolve()
  }

  async replace(key: string, body: Buffer): Promise<boolean> {
    await this.write(key, body)
    return true
  }

  delete(objects: readonly PlannedObject[]): Promise<readonly DeletionResult[]> {
    this.requests.deletes++
    return Promise.resolve(objects.map(({ key }) => ({ key, outcome: 'deleted' })))
  }

  lockedUntil(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  async *unfinished(): AsyncGenerator<UnfinishedUpload> {
    yield* []
  }

  newestPart(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  abort(): Promise<void> {
    return Promise.resolve()
  }

  sleep(): Promise<void> {
    return Promise.resolve()
  }

  /** The objects below a prefix: of all manifests, or of all files. @param only one table's */
  *listed(prefix: string, only?: number): Generator<ListedObject> {
    const make = (key: string, days: number): ListedObject => ({
      key,
      size: 1000,
      etag: '0123456789abcdef0123456789abcdef',
      lastModified: NOW - days * DAY,
    })
    for (let table = only ?? 0; table < (only === undefined ? TABLES : only + 1); table++) {
      if (prefix === KEYS.states(''))
        for (let point = 0; point < POINTS; point++) yield make(keyOf(table, point), point)
      if (prefix !== KEYS.files) continue
      for (let sstable = 0; sstable < SSTABLES; sstable++)
        for (const component of COMPONENTS)
          yield make(KEYS.file(`${pathOf(table, sstable)}-${component}`), 210)
    }
  }
}

/** Every so many restore points one is full; the others are deltas of it. */
const FULL = 20

/** SSTables that a delta names. */
const CHANGED = 8

/** Restore points that are as many days old as a multiple of {@link FULL} are full. */
function keyOf(table: number, days: number): string {
  const full = Math.ceil(days / FULL) * FULL
  const totals = { sets: SSTABLES / 10, files: 0, bytes: SSTABLES * 1000 }
  const base = full === days ? undefined : NOW - full * DAY
  const facts = { epoch: 1, kind: 'complete', gap: false, base, ...totals } as const
  return KEYS.state(idOf(table), NOW - days * DAY, facts)
}

/** A tenth of a table's SSTables, or what a delta says. */
function manifestOf(key: string): Buffer | undefined {
  const [, unit = '', digits] = /states\/(.*)\/(\d{13})-/.exec(key) ?? []
  if (digits === undefined) return undefined
  const table = Number(unit.slice(-32))
  const moment = 9_999_999_999_999 - Number(digits)
  const days = Math.round((NOW - moment) / DAY)
  const isFull = days % FULL === 0
  const entry = { size: 1000, mtime: '0', inode: 1, crc64: '0123456789abcdef' }
  const set = Object.fromEntries(COMPONENTS.map(component => [component, entry]))
  const count = isFull ? SSTABLES / 10 : CHANGED
  const sets = Object.fromEntries(Array.from({ length: count }, (_, i) => [pathOf(table, i * 10), set]))
  const manifest = {
    format: 1,
    node: 'node1',
    epoch: 1,
    unit,
    time: new Date(moment).toISOString(),
    base: isFull ? null : keyOf(table, Math.ceil(days / FULL) * FULL),
    gap: false,
    unexplained: [],
    unprotected: [],
    removed: [],
    directories: { [`/var/lib/cassandra/data/${unit}`]: { device: '1', inode: '1' } },
    sets,
    files: {},
    totals: { sets: SSTABLES / 10, files: 0, bytes: SSTABLES * 1000 },
  }
  return gzipSync(JSON.stringify(manifest), { level: 1 })
}
