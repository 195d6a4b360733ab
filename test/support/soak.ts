import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { crc64nvme } from 'tablesnap-io'
import type { Test } from 'tap'

import { KeyLayout } from '../../src/manifest/keys.js'
import type { State } from '../../src/manifest/state.js'
import { hex64 } from '../../src/s3/checksum.js'
import { listUploads } from '../../src/s3/multipart.js'
import { Random } from '../manifest/random.js'

import { BucketStates, entriesOf } from './bucket-states.js'
import { openBucket, type OpenBucket } from './bucket.js'
import { Cli } from './cli.js'
import { peakMemory } from './memory.js'
import { until } from './node.js'
import { FaultProxy } from './real/fault-proxy.js'
import { gateway, temporaryDirectory } from './real/place.js'
import { Table, TxnLog } from './table.js'

const MEBIBYTE = 2 ** 20

/** ms between two kills, two outages, and two changes of the tables. */
const KILL = 20_000
const OUTAGE_EVERY = 240_000
const CHANGE = 300

/** The length of an outage, ms. */
const OUTAGE = 60_000

/** The first outage of a run, ms after its begin. */
const FIRST_OUTAGE = 45_000

/** Memory that a daemon may use at most, MiB. */
const MOST_MEMORY = 300

/** How long the daemon may take at the end until all is uploaded, ms. */
const CATCH_UP = 300_000

/** Every table of {@link Writer}. */
const TABLES = 6

/** Flushes and compacts tables as Cassandra does. */
class Writer {
  readonly tables: Table[]
  flushes = 0
  compactions = 0
  bytes = 0
  #generation = 0

  constructor(
    readonly data: string,
    readonly random: Random,
  ) {
    this.tables = Array.from(
      { length: TABLES },
      (_, i) => new Table(join(data, `ks/t${i}-${String(i).repeat(32)}`)),
    )
  }

  /** One change of one table. */
  step(): void {
    const table = this.tables[this.random.below(TABLES)]!
    const live = this.setsOf(table)
    if (live.length >= 4 && this.random.chance(0.25))
      this.#compact(table, this.random.some(live.slice(0, 8), 2))
    else this.#flush(table)
    table.contents.clear()
  }

  /** The names of the SSTables of a table. */
  setsOf(table: Table): string[] {
    return table.names().flatMap(name => /^(.*)-Data\.db$/.exec(name)?.[1] ?? [])
  }

  #flush(table: Table): void {
    const large = this.random.chance(0.02)
    const bytes = large ? 18 * MEBIBYTE : 500 + this.random.below(100_000)
    table.flush(`nb-${++this.#generation}-big`, { bytes })
    this.flushes += 1
    this.bytes += bytes
  }

  #compact(table: Table, inputs: readonly string[]): void {
    const output = `nb-${++this.#generation}-big`
    const bytes = Math.min(
      24 * MEBIBYTE,
      inputs.reduce((sum, set) => sum + table.read(`${set}-Data.db`).length, 0),
    )
    const log = new TxnLog(table.path, 'compaction').add(output)
    table.write(output, { bytes })
    for (const set of inputs) log.remove(set)
    log.commit()
    for (const set of inputs) table.delete(set)
    log.end()
    this.compactions += 1
    this.bytes += bytes
  }
}

/** A daemon that is killed again and again, and started at once. */
class KilledDaemon {
  kills = 0
  /** Exit codes of daemons that ended by themselves. */
  readonly ends: (number | string)[] = []
  /** The largest memory of all, bytes. */
  memory = 0
  cli: Cli
  #isKilling = false
  #log = ''

  constructor(readonly args: readonly string[]) {
    this.cli = this.#start()
  }

  /** Logs of all of them. */
  get log(): string {
    return this.#log + this.cli.stderr
  }

  measure(): void {
    this.memory = Math.max(this.memory, peakMemory(this.cli.child.pid ?? 0) ?? 0)
  }

  async kill(): Promise<void> {
    this.measure()
    this.kills += 1
    await this.stop()
    this.#log += this.cli.stderr
    this.cli = this.#start()
  }

  async stop(): Promise<void> {
    this.#isKilling = true
    this.cli.kill('SIGKILL')
    await this.cli.exit
    this.#isKilling = false
  }

  #start(): Cli {
    const cli = new Cli(this.args)
    void cli.exit.then(code => this.#isKilling || this.ends.push(code))
    return cli
  }
}

/**
 * Lets a writer, a daemon that is killed every 20 s, and a network full of faults go on for a time, and checks what is in the bucket then.
 * @param minutes how long
 */
export async function soak(t: Test, minutes: number, seed: number): Promise<void> {
  t.comment(`SEED=${seed}`)
  const server = await gateway(t)
  const directory = temporaryDirectory(t)
  const proxy = await FaultProxy.start(server.endpoint, new Random(seed))
  t.teardown(() => proxy.close())
  const bucket = openBucket(server.endpoint, 'backups', directory)
  t.teardown(() => bucket.client.close())
  const writer = new Writer(join(directory, 'data'), new Random(seed + 1))
  const flags = openBucket(proxy.endpoint, 'backups', directory).flags
  const daemon = new KilledDaemon([
    ...flags,
    ...['--settle', '500', '--request-timeout', '5', '--max-upload-size', '8', '--multipart-chunk-size', '5'],
    ...['-r', '-a', '-B', '--watch', 'backups', writer.data],
  ])
  t.teardown(() => daemon.stop())

  const end = performance.now() + minutes * 60_000
  const isOver = (): boolean => performance.now() >= end
  const every = async (first: number, pause: number, work: () => void | Promise<void>): Promise<void> => {
    const rest = async (time: number): Promise<void> => {
      await sleep(Math.max(0, Math.min(time, end - performance.now())))
    }
    await rest(first)
    while (!isOver()) {
      await work()
      await rest(pause)
    }
  }
  await Promise.all([
    every(0, CHANGE, () => {
      writer.step()
    }),
    every(1_000, 1_000, () => {
      daemon.measure()
    }),
    every(KILL, KILL, () => daemon.kill()),
    every(FIRST_OUTAGE, OUTAGE_EVERY, () => proxy.outage(OUTAGE)),
  ])
  proxy.isFaulty = false
  // It ends what those before it have left unfinished.
  await sleep(3_000)
  await daemon.kill()
  const from = performance.now()
  const states = new BucketStates({ bucket })
  for (const table of writer.tables) await namesLive(states, writer, table)
  const caughtUp = performance.now() - from
  daemon.measure()
  const mebibytes = Math.round(daemon.memory / MEBIBYTE)
  t.comment(
    [
      `${minutes} min: ${writer.flushes} flushes, ${writer.compactions} compactions, ${Math.round(writer.bytes / MEBIBYTE)} MiB`,
      `${daemon.kills} kills; all in the bucket ${(caughtUp / 1000).toFixed(1)} s after the last one; at most ${mebibytes} MiB of memory`,
      [...proxy.counts].map(([fault, count]) => `${fault} ${count}`).join(', '),
      `log: ${['ERROR', 'WARNING', 'INFO'].map(level => `${daemon.log.split(` ${level} `).length - 1} ${level}`).join(', ')}`,
    ].join('\n'),
  )
  t.same(daemon.ends, [], 'no daemon ended by itself')
  t.ok(mebibytes < MOST_MEMORY, `${mebibytes} MiB`)
  await checkBucket(t, bucket, states, writer)
  // What killed runs left of uploads the next start ends, also where the file was compacted away since the last one.
  await daemon.kill()
  let left: string[] = []
  await until(
    async () => {
      await sleep(500)
      left = []
      for await (const { key } of listUploads(bucket.client, '')) left.push(key)
      return left.length === 0
    },
    CATCH_UP,
    () => `unfinished uploads of ${left.join(', ')} are left over`,
  )
  t.pass('no unfinished upload is left over')
}

/** Waits until the newest restore point of a table is complete and names what is on the disk. */
async function namesLive(states: BucketStates, writer: Writer, table: Table): Promise<void> {
  const unit = table.path.slice(writer.data.length + 1)
  let newest: State | undefined
  const wanted = JSON.stringify(writer.setsOf(table).sort())
  const names = (): string =>
    JSON.stringify([...(newest?.sets.keys() ?? [])].map(path => path.slice(table.path.length + 1)).sort())
  await until(
    async () => {
      await sleep(500)
      newest = await states.newest(unit)
      return names() === wanted && newest?.unprotected.length === 0
    },
    CATCH_UP,
    () => `${unit} has ${wanted}; its newest restore point names ${names()}`,
  )
}

async function checkBucket(t: Test, bucket: OpenBucket, states: BucketStates, writer: Writer): Promise<void> {
  const keys = new KeyLayout('', 'node1', ':')
  const objects = new Map((await bucket.list()).map(({ key, size }) => [key, size]))
  const all = await states.all()
  const missing = new Set<string>()
  let unexplained = 0
  for (const state of all) {
    if (state.unexplained.length > 0) unexplained += 1
    for (const [path, entry] of entriesOf(state)) {
      const key = entry.key ?? keys.file(path)
      if (objects.get(key) !== entry.size) missing.add(key)
    }
  }
  t.comment(`${all.length} manifests, ${objects.size} objects`)
  t.same([...missing], [], 'no manifest names an object that is missing')
  t.equal(unexplained, 0, 'no restore point is unexplained')
  let compared = 0
  const wrong: string[] = []
  for (const table of writer.tables) {
    const newest = await states.newest(table.path.slice(writer.data.length + 1))
    const entries = newest === undefined ? new Map<string, never>() : entriesOf(newest)
    for (const name of table.names()) {
      const path = join(table.path, name)
      const entry = entries.get(path)
      const content = table.read(name)
      const object = entry === undefined ? undefined : await bucket.get(entry.key ?? keys.file(path))
      if (object?.body.equals(content) !== true || entry?.crc64 !== hex64(crc64nvme(content)))
        wrong.push(path)
      compared += 1
    }
    rmSync(table.path, { recursive: true })
  }
  t.same(wrong, [], `${compared} files of live SSTables are in the bucket byte for byte`)
}
