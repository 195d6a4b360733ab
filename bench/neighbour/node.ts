import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import cassandra from 'cassandra-driver'

import { Cassandra } from '../../test/support/real/cassandra.js'
import { residentPages } from '../data.js'
import { BenchFailure } from '../failure.js'
import { interruption } from '../interruption.js'
import type { LoadPlan, LoadReport } from './load-plan.js'

/** The version of Cassandra; `.ci/install cassandra` brings it. */
const VERSION = '5.0.9'

/** Bytes of a row's value. */
export const VALUE_SIZE = 8192

const TABLE = 'bench.rows'

/** Writes under way while the data set is made. */
const WRITERS = 64

/** Bytes of a page on the machines that this is for. */
const PAGE = 4096

/** A real Cassandra with a table of rows, and the load on it. */
export class BusyNode {
  readonly #node: Cassandra
  readonly #rows: number

  private constructor(node: Cassandra, rows: number) {
    this.#node = node
    this.#rows = rows
  }

  /** Starts the node, and writes its rows. @param home an empty folder @param bytes of the data set */
  static async start(home: string, bytes: number): Promise<BusyNode> {
    const node = await Cassandra.create({ home, version: VERSION, format: undefined })
    const busy = new BusyNode(node, Math.floor(bytes / VALUE_SIZE))
    try {
      await node.start()
      await busy.#fill()
    } catch (error) {
      await node.kill()
      throw error
    }
    return busy
  }

  /** The directory of all keyspaces. */
  get data(): string {
    return this.#node.dataDirectory
  }

  /** The directory of the table. */
  get table(): string {
    return this.#node.tableDirectory('bench', 'rows')
  }

  nodetool(...args: readonly string[]): Promise<string> {
    return this.#node.nodetool(...args)
  }

  /** Bytes of the table's data files that are in the page cache. */
  async resident(): Promise<number> {
    let pages = 0
    for (const path of this.#dataFiles()) {
      for (const state of await residentPages(path)) pages += state
    }
    return pages * PAGE
  }

  /** Bytes of the table's data files. */
  get size(): number {
    return this.#dataFiles().reduce((sum, path) => sum + statSync(path).size, 0)
  }

  /** Runs the load as a process of its own, so that nothing here delays it. @throws BenchFailure */
  async load(timing: Pick<LoadPlan, 'rate' | 'warmUp' | 'seconds' | 'seed'>): Promise<LoadReport> {
    const { address, port } = this.#node.contact
    const plan: LoadPlan = { address, port, table: TABLE, rows: this.#rows, valueSize: VALUE_SIZE, ...timing }
    const program = fileURLToPath(new URL('load.js', import.meta.url))
    const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal: interruption,
    })
    const pieces: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new BenchFailure(`the load ended with exit code ${code}`)
    return JSON.parse(Buffer.concat(pieces).toString()) as LoadReport
  }

  async stop(): Promise<void> {
    await this.#node.kill()
  }

  #dataFiles(): string[] {
    const names = readdirSync(this.table).filter(name => name.endsWith('-Data.db'))
    return names.map(name => join(this.table, name))
  }

  async #fill(): Promise<void> {
    const { address, port } = this.#node.contact
    const client = new cassandra.Client({
      contactPoints: [address],
      protocolOptions: { port },
      localDataCenter: 'datacenter1',
      socketOptions: { readTimeout: 60_000 },
    })
    await client.connect()
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    await client.execute(`CREATE KEYSPACE bench WITH replication = ${replication}`)
    await client.execute(
      `CREATE TABLE ${TABLE} (id int PRIMARY KEY, v blob) WITH compression = {'enabled': 'false'}`,
    )
    // A compaction in one turn and none in the next would be all that the turns differ in.
    await this.nodetool('disableautocompaction', 'bench', 'rows')
    const value = randomBytes(VALUE_SIZE)
    const ids = [...Array(this.#rows).keys()][Symbol.iterator]()
    const write = async (): Promise<void> => {
      for (const id of ids) {
        interruption.throwIfAborted()
        await client.execute(`INSERT INTO ${TABLE} (id, v) VALUES (?, ?)`, [id, value], {
          prepare: true,
        })
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, write))
    await client.shutdown()
    await this.nodetool('flush', 'bench')
  }
}
