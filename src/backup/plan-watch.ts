import { setImmediate as nextTurn } from 'node:timers/promises'

import { errorMessage } from '../errors.js'
import { plansOf, type ChopRecord } from '../manifest/chop-plan.js'
import type { KeyLayout } from '../manifest/keys.js'
import { SLICE } from '../manifest/manifest.js'
import { PlannedKeys } from '../manifest/planned-keys.js'
import { withKey, type Entry, type State } from '../manifest/state.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import type { S3Client } from '../s3/client.js'
import type { Table } from '../tables/table.js'
import { counted } from '../report/format.js'

import type { Clockwork, Plans } from './ports.js'
import type { Rescue } from './rescue.js'

/** The parts that plans are looked at with. */
export interface PlanWatchDeps {
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly log: Logger
  readonly rescue: Rescue
  readonly problems: Problems
  readonly clockwork: Clockwork
}

/** How long after a plan was seen the tables are gone through once more, ms: uploads were under way that did not know of it. */
const AGAIN = 30_000

/**
 * Knows which objects tablechop is about to delete, and sees to it that this run never comes to name one: uploads keep away from
 * their keys, and content that counted as uploaded gets another key. It never changes what a manifest says that is
 * written already.
 */
export class PlanWatch implements Plans {
  #version = 0
  readonly #deps: PlanWatchDeps
  readonly #tables: () => Iterable<Table>
  #planned = PlannedKeys.none
  #known = ''
  /** When the tables are to be gone through once more, ms of the monotonic clock. */
  #againAt: number | undefined
  #taking: Promise<void> = Promise.resolve()

  /** @param tables those that are watched by the time a plan is seen */
  constructor(deps: PlanWatchDeps, tables: () => Iterable<Table>) {
    this.#deps = deps
    this.#tables = tables
  }

  get version(): number {
    return this.#version
  }

  has(key: string): boolean {
    return this.#planned.has(key)
  }

  /** The suffix that the key of a file's content must have; undefined: its usual keys are free. @param path absolute */
  suffixFor(path: string): string | undefined {
    return this.#planned.concerns(path) ? this.#planned.suffix : undefined
  }

  /** A look at node.json showed these plans. @throws S3Error; TablesnapError `PLAN_CORRUPT` */
  take(chops: readonly ChopRecord[]): Promise<void> {
    this.#taking = this.#taking.then(
      () => this.#take(chops),
      () => this.#take(chops),
    )
    return this.#taking
  }

  /** Content that an upload found to be there; under another key, if the object is about to go. @throws S3Error, TablesnapError */
  async rescue(path: string, entry: Entry): Promise<Entry> {
    const { keys, rescue } = this.#deps
    const { suffix } = this.#planned
    if (suffix === undefined || !this.has(entry.key ?? keys.file(path))) return entry
    return withKey(entry, await rescue.run(path, entry, suffix))
  }

  /** Whether a restore point would name an object that is about to go, and that the newest one does not name. */
  concerns({ sets, files }: State, newest: State | undefined): boolean {
    if (this.#planned.size === 0) return false
    const { keys } = this.#deps
    for (const [path, set] of sets) {
      // The newest one names it: whoever wants to delete it sees that.
      if (newest?.sets.get(path) === set) continue
      for (const [component, { key }] of set.components)
        if (this.has(key ?? keys.file(`${path}-${component}`))) return true
    }
    for (const [path, entry] of files)
      if (newest?.files.get(path) !== entry && this.has(entry.key ?? keys.file(path))) return true
    return false
  }

  /** Gives content of a table another key whose object is about to go. @returns whether all of it has one now */
  async sweep(table: Table): Promise<boolean> {
    const { keys, rescue, problems, log } = this.#deps
    const { suffix } = this.#planned
    if (suffix === undefined) return true
    const moves = new Map<string, string>()
    let isWhole = true
    let began = performance.now()
    for (const files of [...table.known()]) {
      for (const [path, entry] of [...files.remote.objects()]) {
        const key = entry.key ?? keys.file(path)
        if (!this.has(key) || moves.has(key)) continue
        try {
          moves.set(key, await rescue.run(path, entry, suffix))
          problems.solved(path)
        } catch (error) {
          isWhole = false
          problems.problem(path, errorMessage(error))
        }
      }
      if (performance.now() - began < SLICE) continue
      await nextTurn()
      began = performance.now()
    }
    if (moves.size === 0) return isWhole
    log.info(
      `tablechop is about to delete ${counted(moves.size, 'object')} that ${table.name} needs again: tablesnap stored ${moves.size === 1 ? 'it under another key' : 'them under other keys'}`,
    )
    table.rekey((path, { key }) => moves.get(key ?? keys.file(path)))
    return isWhole
  }

  async #take(chops: readonly ChopRecord[]): Promise<void> {
    const { client, keys, log, clockwork } = this.#deps
    const known = [...plansOf(chops)].sort().join()
    if (known !== this.#known) {
      const planned = await PlannedKeys.load(client, keys, chops)
      this.#planned = planned
      this.#version++
      if (planned.size > 0)
        log.info(
          `tablechop is about to delete ${counted(planned.size, 'object')}: tablesnap treats ${planned.size === 1 ? 'it' : 'them'} as missing`,
        )
      this.#known = known
      this.#againAt = clockwork.now() + AGAIN
    } else if (this.#againAt === undefined || clockwork.now() < this.#againAt) return
    else this.#againAt = undefined
    for (const table of this.#tables()) await this.sweep(table)
  }
}
