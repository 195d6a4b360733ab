import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { TablesnapError, errorMessage } from '../errors.js'
import type { State } from '../manifest/state.js'
import type { States } from '../manifest/states.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import { isS3Error } from '../s3/errors.js'
import { counted } from '../report/format.js'

import type { Ownership } from './ports.js'
import type { TableRegistry } from './table-registry.js'
import { nameOf } from './table-reporter.js'

/** The parts by which empty paths are judged. */
export interface EmptyPathsDeps {
  readonly states: Pick<States, 'heads' | 'read'>
  readonly tables: TableRegistry
  /** Restore points of earlier epochs do not count: --take-over has accepted what is missing of them. */
  readonly ownership: Pick<Ownership, 'epoch'>
  readonly log: Logger
  /** The command line that accepts what is missing. */
  readonly takeOver: string
}

/**
 * Finds paths that had SSTables at the last backup and that have no table at all now, as the empty mount point of a volume that
 * is not mounted. No table is loaded for such a path, so nothing else would look at what the bucket has of it. A dropped
 * table is no reason: Cassandra leaves its keyspace's directory.
 */
export class EmptyPaths {
  readonly #deps: EmptyPathsDeps

  constructor(deps: EmptyPathsDeps) {
    this.#deps = deps
  }

  /**
   * Looks at the paths of a run, once every table below them is known. Without an empty path it takes no request, else the LIST
   * of all restore points, and a GET or two for each table that has SSTables in the bucket and is not on this disk.
   * @param problems is told of each such path; undefined: that is a warning only
   */
  async check(paths: readonly string[], problems?: Problems): Promise<void> {
    const empty = paths.filter(path => existsSync(path) && !this.#hasTable(path))
    const [first] = empty
    if (first === undefined) return
    try {
      await this.#compare(empty, problems)
    } catch (error) {
      // --dry-run does not make the bucket.
      if (isS3Error(error, 'NoSuchBucket')) return
      const message = `${first} has no tables, and tablesnap cannot find out whether it had some at the last backup: ${errorMessage(error)}`
      if (problems === undefined) this.#deps.log.warn(message, { path: first })
      else problems.problem(first, message)
    }
  }

  /** @throws S3Error */
  async #compare(paths: readonly string[], problems: Problems | undefined): Promise<void> {
    const { states, tables, ownership, log } = this.#deps
    let empty = paths
    const known = new Set([...tables].map(({ name }) => name))
    for await (const head of states.heads()) {
      const { unit, facts } = head
      const isOld = (facts?.epoch ?? Infinity) < ownership.epoch
      if (known.has(unit) || isOld || facts?.sets === 0) continue
      const state = await states.read(head.key).catch((error: unknown) => {
        if (!(error instanceof TablesnapError) || error.code !== 'STATE_CORRUPT') throw error
        log.debug(errorMessage(error), { key: head.key })
      })
      if (state === undefined || state.epoch < ownership.epoch) continue
      empty = empty.filter(path => {
        if (!this.#isLost(path, state)) return true
        this.#tell(path, state, problems)
        return false
      })
      if (empty.length === 0) return
    }
  }

  #hasTable(path: string): boolean {
    for (const table of this.#deps.tables)
      if (table.isTable)
        for (const directory of table.directories.keys()) if (isIn(directory, path)) return true
    return false
  }

  /** Whether a restore point names SSTables below a path of which not even the first directory is there. */
  #isLost(path: string, { sets }: State): boolean {
    const stem = path.endsWith('/') ? path : `${path}/`
    for (const set of sets.keys()) {
      if (!set.startsWith(stem)) continue
      const [first = ''] = set.slice(stem.length).split('/')
      if (!existsSync(join(path, first))) return true
    }
    return false
  }

  #tell(path: string, { unit, sets, time }: State, problems: Problems | undefined): void {
    const { log, takeOver } = this.#deps
    const count = [...sets.keys()].filter(set => isIn(set, path)).length
    const sstables = counted(count, 'SSTable')
    const message = `${path} has no tables, and ${nameOf({ name: unit })} had ${sstables} there at its last restore point, of ${new Date(time).toISOString()}: is its volume mounted? Nothing below it is backed up; the restore points in the bucket stay as they are. If it is empty on purpose, run once: ${takeOver}`
    if (problems === undefined) log.warn(message, { path })
    else problems.problem(path, message)
  }
}

function isIn(path: string, above: string): boolean {
  return path === above || path.startsWith(above.endsWith('/') ? above : `${above}/`)
}
