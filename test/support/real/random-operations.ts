import type { Random } from '../../manifest/random.js'
import { incoming } from './incoming.js'
import type { Model } from './model.js'
import type { Stage } from './stage.js'

/** How often each operation is chosen. */
const WEIGHTS = {
  insert: 30,
  delete: 15,
  flush: 22,
  compact: 8,
  truncate: 5,
  recreate: 4,
  snapshot: 4,
  import: 5,
}

export type Operation = keyof typeof WEIGHTS

/** Rows that are inserted have an id below this. */
const IDS = 8000

/** Where the ids of imported rows begin, and how many each import may use. */
const IMPORTED = 1_000_000
const PER_IMPORT = 10_000

/** SSTables of an import. */
const SSTABLES = 2

/** Does at random what Cassandra's users do to some tables, one thing at a time; compactions alone go on meanwhile. */
export class RandomOperations {
  readonly counts = new Map<Operation, number>()
  readonly #stage: Stage
  readonly #random: Random
  readonly #tables = new Map<string, Model>()
  readonly #compactions = new Map<string, Promise<void>>()
  readonly #source: Model
  #version = 0
  #imports = 0

  private constructor(stage: Stage, random: Random, source: Model, tables: readonly Model[]) {
    this.#stage = stage
    this.#random = random
    this.#source = source
    for (const model of tables) this.#tables.set(model.name, model)
  }

  /** Creates the tables. @param names keyspace and table of each */
  static async create(stage: Stage, random: Random, names: readonly string[]): Promise<RandomOperations> {
    const tables: Model[] = []
    for (const name of names) tables.push(await stage.table(name))
    return new RandomOperations(stage, random, await stage.table('source.s'), tables)
  }

  /** Does one thing. */
  async step(): Promise<void> {
    const model = this.#random.pick([...this.#tables.values()])
    if (model === undefined) throw new Error('there is no table')
    const operation = this.#random.weighted(WEIGHTS)
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1)
    await this.#do(operation, model)
  }

  /** Flushes all tables, and waits for what is still under way. */
  async end(): Promise<void> {
    await Promise.all(this.#compactions.values())
    for (const model of this.#tables.values()) await this.#stage.flush(model)
  }

  async #do(operation: Operation, model: Model): Promise<void> {
    const { node, rows } = this.#stage
    const [keyspace = '', table = ''] = model.name.split('.')
    this.#version += 1
    switch (operation) {
      case 'insert': {
        const first = this.#random.below(IDS)
        return model.write(first, first + 50 + this.#random.below(600), this.#version)
      }
      case 'delete': {
        const first = this.#random.pick([...model.now.keys()]) ?? 0
        return model.delete(first, first + 1 + this.#random.below(500))
      }
      case 'flush':
        return this.#stage.flush(model)
      case 'compact':
        return this.#compact(model)
      case 'truncate':
        // Cassandra flushes a table before it truncates it, as it makes a snapshot.
        model.flushed()
        await rows.execute(`TRUNCATE ${model.name}`)
        model.emptied()
        return
      case 'recreate':
        // With a table that is dropped Cassandra flushes all others, to be free of its commitlog segments.
        for (const each of [this.#source, ...this.#tables.values()]) each.flushed()
        await rows.execute(`DROP TABLE ${model.name}`)
        model.emptied()
        this.#tables.set(model.name, await this.#stage.table(model.name))
        return
      case 'snapshot':
        await node.nodetool('snapshot', '-t', `snapshot-${this.#version}`, '-cf', table, keyspace)
        model.flushed()
        return
      case 'import':
        return this.#import(model, keyspace, table)
    }
  }

  /** Begins a compaction; a truncate, a drop or the next compaction of the table may end it. */
  async #compact(model: Model): Promise<void> {
    await this.#compactions.get(model.name)
    await this.#stage.flush(model)
    const compaction = this.#stage.compact(model).catch(() => undefined)
    this.#compactions.set(model.name, compaction)
  }

  async #import(model: Model, keyspace: string, table: string): Promise<void> {
    const first = IMPORTED + this.#imports * PER_IMPORT
    this.#imports += 1
    const directory = await incoming(this.#stage, this.#source, model.name, first, SSTABLES)
    // What is in memory must not come to the disk together with the imported rows.
    await this.#stage.flush(model)
    await this.#stage.node.nodetool('import', keyspace, table, directory)
    model.gained(this.#source.now)
  }
}
