import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from './manifests.js'
import { difference, type Model } from './model.js'
import type { Tablesnap } from './tablesnap.js'
import { COLUMNS, type Contents, type Versions } from './versions.js'

/** The keyspace whose tables hold what was restored. */
export const VERIFY = 'verify'

export interface MomentsOptions {
  /** Copies of each row that is restored; 1 by default. */
  readonly replication?: number
  /** Where the node that was backed up had its data, if it is another node that reads what was restored. */
  readonly origins?: readonly string[]
  /** Whether a restore is of the table alone, not of the whole node. */
  readonly tableAlone?: boolean
}

/** Restores states beside a running node, and has Cassandra read them. */
export class Moments {
  readonly #tablesnap: Tablesnap
  readonly #dataDirectories: readonly string[]
  readonly #work: string
  readonly #options: MomentsOptions
  readonly #done = new Map<string, Contents>()
  #count = 0

  /** @param work an empty directory on the data directories' file system */
  constructor(
    tablesnap: Tablesnap,
    dataDirectories: readonly string[],
    work: string,
    options: MomentsOptions = {},
  ) {
    this.#options = options
    this.#tablesnap = tablesnap
    this.#dataDirectories = dataDirectories
    this.#work = work
  }

  /**
   * Restores the states of a table, the oldest first, those that were restored before excepted. Each must hold what its
   * SSTables held at a flush, and none an earlier one than the state before.
   * @returns the moments' numbers, and what is wrong
   */
  async check(
    rows: Versions,
    model: Model,
    states: readonly Manifest[],
  ): Promise<{ moments: number[]; problems: string[] }> {
    const moments: number[] = []
    const problems: string[] = []
    for (const state of states) {
      const { key, restorable, unprotected, unexplained } = state
      if (!restorable) {
        problems.push(`${key} is not restorable: ${[...unprotected, ...unexplained].join(', ')}`)
        continue
      }
      const contents = await this.contents(rows, state)
      const from = moments.at(-1) ?? 0
      const moment = model.find(contents, from)
      if (moment !== undefined) moments.push(moment)
      else {
        const earlier = model.find(contents, 0)
        const differs = model.moments.slice(from).map(({ most }) => difference(contents, most))
        problems.push(
          `${key} (${[...state.sets.keys()].map(path => path.replace(/.*\//, '')).join(', ')}) has ` +
            (earlier === undefined
              ? `rows of no moment from ${from} on: ${differs.join('; ')}`
              : `the rows of moment ${earlier}, and the state before those of ${from}`),
        )
      }
    }
    return { moments, problems }
  }

  /** The rows of a state, which is restored at most once, and not at all when it names no SSTable. */
  async contents(rows: Versions, state: Manifest): Promise<Contents> {
    const contents =
      this.#done.get(state.key) ??
      (state.sets.size === 0 ? new Map<number, number>() : await this.#restore(rows, state))
    this.#done.set(state.key, contents)
    return contents
  }

  /** What a state holds: Cassandra opens the SSTables that lie in the directory of a table when it is created. */
  async #restore(rows: Versions, { unit, time }: Manifest): Promise<Contents> {
    this.#count += 1
    const target = join(this.#work, `state-${this.#count}`)
    mkdirSync(target)
    const { tableAlone = false, replication: copies = 1, origins = this.#dataDirectories } = this.#options
    // By its id, as another table may have had the name.
    const scope = tableAlone ? ['--table', unit.replace('/', '.')] : []
    await this.#tablesnap.succeed('-D', '--at', time, ...scope, 'backup', target)
    const id = randomUUID()
    const table = `s${this.#count}`
    const directory = join(this.#dataDirectories[0] ?? '', VERIFY, `${table}-${id.replaceAll('-', '')}`)
    mkdirSync(directory, { recursive: true })
    for (const data of origins) {
      const from = join(target, data, unit)
      if (!existsSync(from)) continue
      for (const entry of readdirSync(from, { withFileTypes: true })) {
        if (entry.isFile()) renameSync(join(from, entry.name), join(directory, entry.name))
      }
    }
    const replication = `{'class': 'SimpleStrategy', 'replication_factor': ${copies}}`
    await rows.execute(`CREATE KEYSPACE IF NOT EXISTS ${VERIFY} WITH replication = ${replication}`)
    const compaction = "{'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}"
    await rows.execute(
      `CREATE TABLE ${VERIFY}.${table} ${COLUMNS} WITH id = ${id} AND compaction = ${compaction} AND gc_grace_seconds = 0`,
    )
    const contents = await rows.contents(`${VERIFY}.${table}`)
    rmSync(target, { recursive: true })
    return contents
  }
}
