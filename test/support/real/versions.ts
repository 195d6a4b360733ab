import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import cassandra from 'cassandra-driver'

/** Where CQL answers. */
export interface Contact {
  readonly address: string
  readonly port: number
}

/** What a table holds: the version of each row, by id. */
export type Contents = ReadonlyMap<number, number>

/** Bytes of a row's value, which cannot be compressed. */
const VALUE = 1024

/** Rows written at a time. */
const CHUNK = 1000

/** The columns of every table here. */
export const COLUMNS = '(id int PRIMARY KEY, version int, v blob)'

/** A CQL session; rows in it have a version, and a value that follows from id and version. */
export class Versions {
  readonly #client: cassandra.Client

  private constructor(client: cassandra.Client) {
    this.#client = client
  }

  /** Connects to a node; the listener is there a moment before the node answers. */
  static async connect({ address, port }: Contact): Promise<Versions> {
    for (let attempt = 1; ; attempt += 1) {
      const client = new cassandra.Client({
        contactPoints: [address],
        // A node that is stopped never agrees.
        protocolOptions: { port, maxSchemaAgreementWaitSeconds: 2 },
        localDataCenter: 'datacenter1',
        socketOptions: { readTimeout: 120_000 },
        policies: {
          loadBalancing: new cassandra.policies.loadBalancing.AllowListPolicy(
            new cassandra.policies.loadBalancing.RoundRobinPolicy(),
            [`${address}:${port}`],
          ),
        },
      })
      try {
        await client.connect()
        return new Versions(client)
      } catch (error) {
        await client.shutdown()
        if (attempt === 40) throw error
        await sleep(500)
      }
    }
  }

  /** Runs a statement. */
  async execute(statement: string): Promise<cassandra.types.ResultSet> {
    return this.#client.execute(statement)
  }

  /** Writes the rows from `first` up to and without `end` in a version. */
  async write(table: string, first: number, end: number, version: number): Promise<void> {
    const statement = `INSERT INTO ${table} (id, version, v) VALUES (?, ?, ?)`
    await this.#each(statement, first, end, id => [id, version, valueOf(id, version)])
  }

  /** Deletes the rows from `first` up to and without `end`. */
  async delete(table: string, first: number, end: number): Promise<void> {
    await this.#each(`DELETE FROM ${table} WHERE id = ?`, first, end, id => [id])
  }

  /** Reads a whole table; a value that is not that of its id and version is an error. */
  async contents(table: string): Promise<Contents> {
    const found = new Map<number, number>()
    const rows = await this.#client.execute(`SELECT id, version, v FROM ${table}`, [], {
      prepare: true,
      fetchSize: CHUNK,
    })
    for await (const row of rows) {
      const { id, version, v } = row as unknown as { id: number; version: number; v: Buffer | null }
      if (v?.equals(valueOf(id, version)) !== true) throw new Error(`${table}: row ${id} has a wrong value`)
      found.set(id, version)
    }
    return found
  }

  /** Closes the session. */
  async close(): Promise<void> {
    await this.#client.shutdown()
  }

  async #each(
    statement: string,
    first: number,
    end: number,
    values: (id: number) => unknown[],
  ): Promise<void> {
    for (let start = first; start < end; start += CHUNK) {
      const ids = Array.from({ length: Math.min(CHUNK, end - start) }, (_, i) => start + i)
      await cassandra.concurrent.executeConcurrent(this.#client, statement, ids.map(values), {
        concurrencyLevel: 64,
      })
    }
  }
}

function valueOf(id: number, version: number): Buffer {
  return createHash('shake256', { outputLength: VALUE }).update(`${id}:${version}`).digest()
}
