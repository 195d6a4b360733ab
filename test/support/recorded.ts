import type { Test } from 'tap'

import { Fence } from '../../src/backup/fence.js'
import { Listings } from '../../src/backup/listings.js'
import { Recorder, type RecorderDeps } from '../../src/backup/recorder.js'
import type { Unit } from '../../src/backup/unit.js'
import { start } from '../../src/cli/options.js'
import type { Config } from '../../src/config/config.js'
import { createLogger } from '../../src/report/log.js'
import { KeyLayout, type StateKey } from '../../src/state/keys.js'
import type { State } from '../../src/state/state.js'
import { States } from '../../src/state/states.js'

import { TestNode } from './node.js'
import { Tracked, type TrackedOptions } from './tracked.js'

export interface RecordedOptions extends Partial<RecorderDeps> {
  readonly flags?: readonly string[]
  readonly tracked?: TrackedOptions
}

/** A tracker whose states are written to the embedded server. */
export class Recorded {
  readonly recorded: Unit[] = []
  readonly problems: string[] = []
  readonly fenced: unknown[] = []

  private constructor(
    readonly node: TestNode,
    readonly config: Config,
    readonly keys: KeyLayout,
    readonly states: States,
    readonly fence: Fence,
    readonly listings: Listings,
    readonly log: string[],
  ) {}

  recorder!: Recorder
  tracked!: Tracked

  static async create(
    t: Test,
    { flags = [], tracked = {}, ...deps }: RecordedOptions = {},
  ): Promise<Recorded> {
    const node = await TestNode.create(t)
    const { client } = node.bucket
    await client.call({ operation: 'CreateBucket', method: 'PUT' })
    const begun = start(node.args(['-r', ...flags]), { env: {}, cwd: '/', home: undefined })
    if (begun.action !== 'run') throw new Error('no run')
    const { config } = begun
    const keys = new KeyLayout('', 'node1', ':')
    const lines: string[] = []
    const log = createLogger('text', line => lines.push(line))
    const writer = { id: 'w1', host: 'h1' }
    const fence = new Fence({
      config,
      client,
      keys,
      name: 'node1',
      writer,
      takeOver: false,
      alone: false,
      clock: () => Date.now(),
      log,
    })
    const listings = new Listings({ config, client, keys, log })
    const states = new States(client, keys)
    const one = new Recorded(node, config, keys, states, fence, listings, lines)
    one.recorder = new Recorder({
      config,
      name: 'node1',
      log,
      states,
      fence,
      listings,
      clock: () => Date.now(),
      onProblem: (_path, message) => void one.problems.push(message),
      onRecorded: unit => void one.recorded.push(unit),
      onChange: unit => one.recorder.changed(unit),
      onFenced: error => void one.fenced.push(error),
      ...deps,
    })
    one.tracked = new Tracked(t, {
      auto: true,
      onScanned: unit => one.recorder.scanned(unit),
      onChange: unit => one.recorder.changed(unit),
      ...tracked,
    })
    t.teardown(() => one.recorder.stop())
    return one
  }

  /** Keys of the unit's states, the newest first. */
  async written(unit: Unit = this.tracked.unit()): Promise<StateKey[]> {
    const keys: StateKey[] = []
    for await (const key of this.states.keysOf(unit.name)) keys.push(key)
    return keys
  }

  /** The unit's newest state, as the bucket has it. */
  async newest(unit: Unit = this.tracked.unit()): Promise<State | undefined> {
    const key = await this.states.newest(unit.name)
    return key === undefined ? undefined : this.states.read(key.key)
  }
}
