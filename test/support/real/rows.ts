import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import cassandra from 'cassandra-driver'

export interface RowsOptions {
  readonly contact: { readonly address: string; readonly port: number }
  readonly keyspace: string
  readonly table: string
}

/** What a read of the whole table found. */
export interface RowCheck {
  readonly intact: number
  readonly wrong: number
  readonly foreign: number
}

/** A table of rows whose values follow from their ids: about 1 KB each, and incompressible. */
export class Rows {
  readonly #client: cassandra.Client
  readonly #name: string
  readonly #keyspace: string

  private constructor(client: cassandra.Client, options: RowsOptions) {
    this.#client = client
    this.#keyspace = options.keyspace
    this.#name = `${options.keyspace}.${options.table}`
  }

  /** Connects to the node; the listener is there a moment before the node answers. */
  static async connect(options: RowsOptions): Promise<Rows> {
    for (let attempt = 1; ; attempt += 1) {
      const client = new cassandra.Client({
        contactPoints: [options.contact.address],
        protocolOptions: { port: options.contact.port },
        localDataCenter: 'datacenter1',
        socketOptions: { readTimeout: 60_000 },
      })
      try {
        await client.connect()
        return new Rows(client, options)
      } catch (error) {
        await client.shutdown()
        if (attempt === 20) throw error
        await sleep(500)
      }
    }
  }

  /** Creates the table, and its keyspace where there is none. */
  async create(): Promise<void> {
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    await this.#client.execute(
      `CREATE KEYSPACE IF NOT EXISTS ${this.#keyspace} WITH replication = ${replication}`,
    )
    await this.#client.execute(`CREATE TABLE ${this.#name} (id int PRIMARY KEY, sha text, v blob)`)
  }

  /** Drops the table; its directory stays. */
  async drop(): Promise<void> {
    await this.#client.execute(`DROP TABLE ${this.#name}`)
  }

  /** Inserts the rows from `first` up to and without `end`. */
  async insert(first: number, end: number): Promise<void> {
    const statement = `INSERT INTO ${this.#name} (id, sha, v) VALUES (?, ?, ?)`
    const ids = Array.from({ length: end - first }, (_, i) => first + i)
    for (let start = 0; start < ids.length; start += 1000) {
      const values = ids.slice(start, start + 1000).map(id => [id, sha256(valueOf(id)), valueOf(id)])
      await cassandra.concurrent.executeConcurrent(this.#client, statement, values, { concurrencyLevel: 64 })
    }
  }

  /** Deletes the rows from `first` up to and without `end`. */
  async delete(first: number, end: number): Promise<void> {
    const ids = Array.from({ length: end - first }, (_, i) => [first + i])
    await cassandra.concurrent.executeConcurrent(this.#client, `DELETE FROM ${this.#name} WHERE id = ?`, ids)
  }

  /** Reads every row of the table and compares it with what the ids from `first` to `end` must hold. */
  async check(first: number, end: number): Promise<RowCheck> {
    const found = { intact: 0, wrong: 0, foreign: 0 }
    const statement = `SELECT id, sha, v FROM ${this.#name}`
    for await (const row of await this.#client.execute(statement, [], { prepare: true, fetchSize: 1000 })) {
      const { id, sha, v } = row as unknown as { id: number; sha: string | null; v: Buffer | null }
      if (id < first || id >= end) found.foreign += 1
      else if (v !== null && sha256(v) === sha && v.equals(valueOf(id))) found.intact += 1
      else found.wrong += 1
    }
    return found
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    await this.#client.shutdown()
  }
}

function valueOf(id: number): Buffer {
  return createHash('shake256', { outputLength: 1024 }).update(String(id)).digest()
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
