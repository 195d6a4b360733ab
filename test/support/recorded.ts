import type { Test } from 'tap'

import { Listings } from '../../src/backup/listings.js'
import { ManifestPublisher, type Published } from '../../src/backup/manifest-publisher.js'
import { ManifestWriter } from '../../src/backup/manifest-writer.js'
import { start } from '../../src/cli/options.js'
import type { Config } from '../../src/config/config.js'
import { KeyLayout, type StateKey } from '../../src/manifest/keys.js'
import { BucketManifests } from '../../src/manifest/manifest-store.js'
import type { State } from '../../src/manifest/state.js'
import { States } from '../../src/manifest/states.js'
import { Fence } from '../../src/node/fence.js'
import { createLogger } from '../../src/report/log.js'
import type { Logger } from '../../src/report/logger.js'
import type { Table } from '../../src/tables/table.js'

import { TestNode } from './node.js'
import { Tracked, type TrackedOptions } from './tracked.js'

export interface RecordedOptions {
  readonly flags?: readonly string[]
  readonly tracked?: TrackedOptions
}

/** Real tables over real directories whose restore points are written to the embedded server. */
export class Recorded {
  readonly published: Published[] = []
  readonly fenced: unknown[] = []
  readonly publisher: ManifestPublisher
  readonly writer: ManifestWriter
  readonly tracked: Tracked

  private constructor(
    t: Test,
    options: TrackedOptions,
    readonly node: TestNode,
    readonly config: Config,
    readonly keys: KeyLayout,
    readonly states: States,
    readonly fence: Fence,
    readonly listings: Listings,
    readonly lines: string[],
    readonly log: Logger,
  ) {
    const restorePoint = (table: Table) => this.writer.changed(table)
    this.tracked = new Tracked(t, { auto: true, ...options, restorePoint })
    const { clockwork } = this.tracked
    const store = new BucketManifests(states, config.object)
    this.publisher = new ManifestPublisher(store, listings, fence, clockwork, 'node1')
    const observer = {
      published: (_table: Table, published: Published) => void this.published.push(published),
      failed: () => undefined,
      fenced: (error: unknown) => void this.fenced.push(error),
    }
    const settings = { isOneShot: config.mode === 'backup', retries: 0, isDryRun: false }
    this.writer = new ManifestWriter(this.publisher, clockwork, observer, log, settings)
    t.teardown(() => this.writer.stop())
  }

  static async create(t: Test, { flags = [], tracked = {} }: RecordedOptions = {}): Promise<Recorded> {
    const node = await TestNode.create(t)
    const { client } = node.bucket
    await client.call({ operation: 'CreateBucket', method: 'PUT' })
    const begun = start(node.args(['-r', ...flags]), { env: {}, cwd: '/', home: undefined })
    if (begun.action !== 'run') throw new Error('no run')
    const { config } = begun
    const keys = new KeyLayout('', 'node1', ':')
    const lines: string[] = []
    const log = createLogger({ format: 'text' }, line => lines.push(line))
    const writer = { id: 'w1', isMachine: true, volumes: [], host: 'h1', formerIds: [] }
    const fence = new Fence(
      { config, client, keys, name: 'node1', writer, log },
      { takeOver: false, alone: false, clock: () => Date.now() },
    )
    const listings = new Listings({ config, client, keys, log })
    const states = new States(client, keys)
    return new Recorded(t, tracked, node, config, keys, states, fence, listings, lines, log)
  }

  /** Keys of the first table's manifests, the newest first. */
  async written(table: Table = this.tracked.core()): Promise<StateKey[]> {
    const keys: StateKey[] = []
    for await (const key of this.states.keysOf(table.name)) keys.push(key)
    return keys
  }

  /** Writes what the tables have to say, once they have nothing left to do. */
  async flush(): Promise<void> {
    await this.tracked.idle()
    await this.writer.flush()
  }

  /** The first table's newest restore point, as the bucket has it. */
  async newest(table: Table = this.tracked.core()): Promise<State | undefined> {
    const key = await this.states.newest(table.name)
    return key === undefined ? undefined : this.states.read(key.key)
  }
}
