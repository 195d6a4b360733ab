import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Audit } from './audit.js'
import type { Bucket } from './bucket.js'
import { Cassandra, type CassandraOptions } from './cassandra.js'
import { liveSets, tableDirectories, type LiveOptions, type LiveSets } from './live.js'
import { Manifests, type Manifest } from './manifests.js'
import { Model } from './model.js'
import { Moments, VERIFY } from './moments.js'
import { bucketOf, gateway, temporaryDirectory } from './place.js'
import type { ServerProcess } from './server-process.js'
import { SlowProxy } from './slow-proxy.js'
import { Tablesnap } from './tablesnap.js'
import { COLUMNS, Versions } from './versions.js'

export interface StageOptions extends Partial<Omit<CassandraOptions, 'home' | 'joins'>> {
  /** More arguments of the daemon. */
  readonly daemon?: readonly string[]
  readonly live?: LiveOptions
  /** Copies of each row in the cluster; 1 by default. */
  readonly replication?: number
}

type Teardown = Pick<Test, 'teardown' | 'passing'>

/** A node that the daemon backs up through a way that can be made slow, and what is to be true of its bucket. */
export class Stage {
  readonly node: Cassandra
  readonly bucket: Bucket
  readonly proxy: SlowProxy
  readonly manifests: Manifests
  readonly models = new Map<string, Model>()
  readonly work: string
  /** Restores, and not by the slow way. */
  readonly restorer: Tablesnap
  rows: Versions
  daemon: ServerProcess
  readonly #tablesnap: Tablesnap
  readonly #audit: Audit
  readonly #moments: Moments
  readonly #options: StageOptions

  private constructor(
    options: StageOptions,
    parts: {
      node: Cassandra
      bucket: Bucket
      proxy: SlowProxy
      work: string
      rows: Versions
      daemon: ServerProcess
      tablesnap: Tablesnap
      restorer: Tablesnap
    },
  ) {
    const { node, bucket, proxy, work, rows, daemon, tablesnap, restorer } = parts
    this.#options = options
    this.node = node
    this.bucket = bucket
    this.proxy = proxy
    this.work = work
    this.rows = rows
    this.daemon = daemon
    this.#tablesnap = tablesnap
    this.restorer = restorer
    this.manifests = new Manifests(bucket, 'node1')
    this.#audit = new Audit(bucket)
    const restored = join(work, 'restored')
    mkdirSync(restored)
    this.#moments = new Moments(restorer, node.dataDirectories, restored, {
      replication: options.replication ?? 1,
    })
  }

  /** Starts server, node and daemon; they end with the test. */
  static async start(t: Teardown, options: StageOptions = {}): Promise<Stage> {
    const server = await gateway(t)
    const proxy = await SlowProxy.start(server.endpoint)
    t.teardown(() => proxy.close())
    const work = temporaryDirectory(t)
    const format = process.env['CASSANDRA_FORMAT'] ?? ''
    const node = await Cassandra.create({
      version: process.env['CASSANDRA_VERSION'] ?? '5.0.9',
      format: format === '' ? undefined : format,
      ...options,
      home: join(work, 'cassandra'),
    })
    t.teardown(() => node.kill())
    await node.start()
    const { accessKeyId, secretAccessKey } = server
    const way = { endpoint: proxy.endpoint, accessKeyId, secretAccessKey }
    const tablesnap = new Tablesnap(way, join(work, 'tablesnap'))
    const restorer = new Tablesnap(server, join(work, 'restorer'))
    const daemon = await tablesnap.start(...daemonArguments(node, options))
    const rows = await Versions.connect(node.contact)
    const bucket = bucketOf(server, 'backup')
    const stage = new Stage(options, { node, bucket, proxy, work, rows, daemon, tablesnap, restorer })
    t.teardown(() => stage.rows.close())
    t.teardown(() => stage.daemon.stop('SIGKILL'))
    return stage
  }

  /** Creates a table, and its keyspace; nothing compacts it unasked, and what is deleted can be purged at once. */
  async table(name: string, copies = this.#options.replication ?? 1): Promise<Model> {
    const [keyspace = '', table = ''] = name.split('.')
    const replication = `{'class': 'SimpleStrategy', 'replication_factor': ${copies}}`
    const compaction = "{'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}"
    await this.rows.execute(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${replication}`)
    await this.rows.execute(
      `CREATE TABLE ${name} ${COLUMNS} WITH gc_grace_seconds = 0 AND compaction = ${compaction}`,
    )
    const [directory = ''] = tableDirectories(this.node.dataDirectories, keyspace, table)
    const model = new Model(this.rows, name)
    this.models.set(directory.split('/').slice(-2).join('/'), model)
    return model
  }

  /** Flushes a table. */
  async flush(model: Model): Promise<void> {
    await this.node.nodetool('flush', ...model.name.split('.'))
    model.flushed()
  }

  /** Compacts a table into one SSTable. */
  async compact(model: Model): Promise<void> {
    await this.node.nodetool('compact', ...model.name.split('.'))
  }

  /** The directories of a model's table. */
  directories(model: Model): string[] {
    const [unit = ''] = [...this.models].find(([, other]) => other === model) ?? []
    return this.node.dataDirectories.map(data => join(data, unit)).filter(existsSync)
  }

  /** Whether a transaction of a kind is under way in a table. */
  isUnderWay(model: Model, kind: string): boolean {
    const names = this.directories(model).flatMap(directory => readdirSync(directory))
    return names.some(name => name.includes(`_txn_${kind}_`))
  }

  /** Waits until a transaction of a kind is under way in a table. */
  async transaction(model: Model, kind: string): Promise<void> {
    await this.daemon.until(`transaction ${kind}`, 60_000, async () =>
      this.isUnderWay(model, kind) ? true : undefined,
    )
  }

  /** Ends the daemon by a signal, and starts another one. */
  async restartDaemon(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.daemon.stop(signal)
    this.daemon = await this.#tablesnap.start(...daemonArguments(this.node, this.#options))
  }

  /** Starts the node, which was stopped or killed; commitlog and SSTables together hold what they held. */
  async startNode(): Promise<void> {
    await this.rows.close()
    await this.node.start()
    this.rows = await Versions.connect(this.node.contact)
    for (const model of this.models.values()) model.rows = this.rows
  }

  /** Waits until the newest states name exactly what is live on the node. */
  async settle(withinMs = 90_000): Promise<{ live: LiveSets; newest: Map<string, Manifest> }> {
    let differs = ''
    return this.daemon
      .until('newest states that name what is live', withinMs, async () => {
        const live = this.#live()
        const newest = (await this.bucket.exists())
          ? await this.manifests.newest()
          : new Map<string, Manifest>()
        differs = live === undefined ? 'a transaction log is there' : unequal(live, newest)
        if (live !== undefined && differs === '') return { live, newest }
        await sleep(200)
        return undefined
      })
      .catch((error: unknown) => {
        throw new Error(`the newest states do not name what is live: ${differs}`, { cause: error })
      })
  }

  /**
   * Waits for quiet, then checks everything: live files against objects, manifests against objects, and the rows of all
   * states of the tables.
   */
  async check(t: Test, what: string): Promise<void> {
    const began = performance.now()
    let wrong: string[] = ['never quiet']
    // Cassandra's own tables may be flushed at any time.
    for (let attempt = 0; attempt < 5 && wrong.length > 0; attempt += 1) {
      const { live, newest } = await this.settle()
      try {
        wrong = await this.#audit.unlike(live, newest)
      } catch (error) {
        wrong = [String(error)]
      }
    }
    t.same(wrong, [], `${what}: every live file is in the bucket, byte for byte`)
    const settled = Math.round(performance.now() - began)
    const all = await this.manifests.all()
    t.same(
      await this.#audit.problems(all),
      [],
      `${what}: manifests name whole sets, and objects that are there`,
    )
    for (const [unit, model] of this.models) {
      const states = all.filter(manifest => manifest.unit === unit)
      const { moments, problems } = await this.#moments.check(this.rows, model, states)
      t.same(problems, [], `${what}: each state of ${unit} has the rows of a flush`)
      t.equal(moments.at(-1), model.newest, `${what}: the newest state of ${unit} is of the newest flush`)
      t.comment(`${unit}: the states are of the flushes ${moments.join(', ')} of ${model.moments.length}`)
    }
    t.comment(`${what}: quiet after ${settled} ms, checked after ${Math.round(performance.now() - began)} ms`)
  }

  #live(): LiveSets | undefined {
    const { live = {} } = this.#options
    return liveSets(this.node.dataDirectories, { ...live, except: [VERIFY] })
  }
}

function daemonArguments(node: Cassandra, { daemon = [] }: StageOptions): string[] {
  const modes = ['-r', '-a', '-B', '--watch', '-e', `/${VERIFY}(/|$)`]
  return [...modes, ...daemon, 'backup', ...node.dataDirectories]
}

/** How live sets and what the newest states name differ; '' when they do not. */
function unequal(live: LiveSets, newest: ReadonlyMap<string, Manifest>): string {
  const named = new Map([...newest.values()].flatMap(({ sets }) => [...sets]))
  const differs: string[] = []
  for (const [path, components] of live) {
    const set = named.get(path)
    if (set === undefined) differs.push(`${path} is not named`)
    else if (set.size !== components.length)
      differs.push(`${path} has ${components.length} files, not ${set.size}`)
    else {
      for (const component of components) {
        const size = statSync(`${path}-${component}`, { throwIfNoEntry: false })?.size
        if (set.get(component)?.size !== size) differs.push(`${path}-${component} is another one`)
      }
    }
  }
  for (const path of named.keys()) if (!live.has(path)) differs.push(`${path} is named and not there`)
  return differs.join('; ')
}
