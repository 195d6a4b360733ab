import { setImmediate as turn } from 'node:timers/promises'

import type { TableNews } from '../../src/tables/ports.js'
import { Random } from '../manifest/random.js'

import { Bucket } from './bucket.js'
import { Checks, EPOCH } from './checks.js'
import type { MakeCore } from './core.js'
import { Daemon, type DaemonOptions } from './daemon.js'
import { judgeEnd } from './ending.js'
import { Network } from './network.js'
import { Node } from './node.js'
import { PACES } from './pace.js'
import { TODAY } from './program.js'
import { Scheduler } from './scheduler.js'
import type { Operation, Script } from './script.js'
import type { TrueSSTable } from './truth.js'
import type { World } from './world.js'

/** How long all is quiet before the end is judged, ms. */
const QUIET = 120_000

/** How long files must be unchanged, ms. */
export const SETTLE = 1000

/** A node, a bucket and the processes that back the node up, in one thread and in virtual time. */
export class Simulation {
  readonly time = new Scheduler()
  readonly random: Random
  readonly node: Node
  readonly network: Network
  readonly bucket: Bucket
  readonly checks: Checks
  readonly daemons: Daemon[] = []
  readonly trace: string[] = []
  readonly news: TableNews[] = []
  /** The daemon that was started last and runs. */
  daemon: Daemon | undefined
  /** How wrong the processes are about the server's clock, ms. */
  skew = 0
  readonly #script: Script
  readonly #world: World

  constructor(script: Script, makeCore: MakeCore, program = TODAY) {
    this.#script = script
    this.random = new Random(script.salt)
    this.node = new Node(this.time, script)
    this.network = new Network(this.time, this.random)
    const deletesUploaded = script.mode === 'delete'
    const settings = {
      settle: SETTLE,
      isOldCassandra: !this.node.hasLogs,
      deletesUploaded,
      isForgetful: deletesUploaded && !this.node.hasLogs,
      hasWildClock: false,
      hasOtherWriter: false,
    }
    this.checks = new Checks(this.node, settings, () => this.time.now, program.isLater)
    this.bucket = new Bucket(manifest => {
      this.note(`manifest ${manifest.key} ${[...manifest.state.sets.keys()].map(short).join(' ')}`)
      this.checks.manifest(manifest)
    }, program.isLater)
    this.checks.bucket = this.bucket
    this.node.isNamed = path => this.bucket.newest(this.node.family.base.unit)?.state.sets.has(path) === true
    this.#world = {
      time: this.time,
      fs: this.node.fs,
      bucket: this.bucket,
      network: this.network,
      random: this.random,
      makeCore,
      program,
      serverTime: () => Math.floor(EPOCH + this.time.now + this.skew),
      watcher: {
        caughtUp: (daemon, from, to) => this.checks.caughtUp(daemon, from, to),
        deleted: (unit, path, data) => this.checks.deleted(unit, path, data),
        news: (table, news) => {
          this.news.push(news)
          this.checks.news(table, news)
        },
      },
    }
  }

  /** Runs until a virtual time. A process that stands still may take longer. */
  async until(end: number): Promise<void> {
    while (this.time.now < end && this.checks.violation === undefined) {
      let isBusy = false
      for (const daemon of this.daemons) {
        const did = daemon.step()
        if (did === 'nothing') continue
        isBusy = true
        // Promises settle. Reading events begins none.
        if (did === 'ran') await turn()
      }
      if (isBusy) continue
      const before = this.time.now
      this.time.next(end)
      for (const daemon of this.daemons)
        if (daemon.process.isAlive) this.checks.caughtUp(daemon, before, this.time.now)
    }
  }

  async run(duration: number): Promise<void> {
    await this.until(this.time.now + duration)
  }

  /** Starts a daemon. */
  begin(options: Partial<DaemonOptions> = {}): Daemon {
    if (this.daemons.some(({ process }) => process.isAlive)) this.checks.settings.hasOtherWriter = true
    const daemon = new Daemon(this.#world, { ...this.#options(), ...options })
    this.daemons.push(daemon)
    this.daemon = daemon
    this.note('daemon starts')
    daemon.start()
    return daemon
  }

  /** Starts a run that backs up what is there, and ends. */
  beginOneShot(options: Partial<DaemonOptions> = {}): Daemon {
    if (this.daemon?.process.isAlive === true) this.checks.settings.hasOtherWriter = true
    const run = new Daemon(this.#world, {
      ...this.#options(),
      isOneShot: true,
      backsUpExisting: true,
      ...options,
    })
    this.daemons.push(run)
    this.note('one-shot run starts')
    const { truth, family } = this.node
    const before = [...truth.live]
    const began = truth.commits.length
    const commits = truth.commits.findLastIndex(({ adds, removes }) => adds.length + removes.length > 0) + 1
    run.start(() => {
      this.note(`one-shot run ends: ${run.oneShot?.exit ?? '?'}`)
      if (run.oneShot?.exit !== 'success' || this.checks.settings.hasWildClock) return
      // Another run may have written a partial one that is newer: -D passes over it, and the other run takes up what it lacks.
      const { unit } = family.base
      const own = this.bucket.manifests.get(unit)?.findLast(({ writer }) => writer === run.process)
      const states = [this.bucket.newest(unit)?.state, this.checks.choices.get(unit)?.state, own?.state]
      const isNamed = ({ path }: TrueSSTable) => states.some(state => state?.sets.has(path) === true)
      // One that was away for a while need not have been there when the run looked.
      const removed = new Set(truth.commits.slice(began).flatMap(({ removes }) => removes))
      const isDue = (sstable: TrueSSTable) => truth.isLive(sstable) && !removed.has(sstable)
      const missed = before.find(sstable => isDue(sstable) && !isNamed(sstable))
      if (missed !== undefined)
        this.checks.broken(`a one-shot run says that all is backed up, and no manifest names ${missed.path}`)
      const choice = this.checks.choices.get(unit)
      const isExplained = states.every(state => (state?.unexplained.length ?? 0) === 0)
      // Of a table without SSTables, or without a directory, it need not know; nor of one that was truncated when it looked.
      const wasEmpty = truth.commits.some((_, n) => n >= began && truth.after(n + 1).size === 0)
      // What was there at an earlier moment may be there again: then no newer restore point is needed.
      const extents = choice === undefined ? [] : truth.extents(choice.named)
      const isCovered =
        before.length === 0 ||
        truth.size === 0 ||
        (choice === undefined && wasEmpty) ||
        extents.some(({ n }) => n >= commits)
      if (!isCovered && isExplained && !this.checks.settings.isForgetful)
        this.checks.broken(
          `a one-shot run says that all is backed up, and every restore point is older than it`,
        )
    })
    return run
  }

  /** Something happens to the node. */
  operate(what: Operation, salt: number): void {
    const { unit, directories } = this.node.family.base
    const { daemon } = this
    const isEnd = what === 'truncate' || what === 'drop'
    // What does not fit into its queue it never hears of, nor what happens where it does not watch yet.
    const isHeard =
      daemon?.queue.isOverflowing === false &&
      directories.every(({ watches }) => watches.some(({ queue }) => queue === daemon.queue))
    if (isEnd && isHeard && daemon.tables.get(unit)?.phase === 'live')
      this.checks.ends.push({
        unit,
        daemon,
        time: this.time.now,
        overflows: daemon.queue.overflows,
        unexplained: this.bucket.newest(unit)?.state.unexplained ?? [],
      })
    this.node.do(what, salt)
  }

  /** SIGKILL of the daemon. */
  kill(): void {
    if (this.#script.mode === 'delete') this.checks.forget()
    // Another one, without --take-over, goes on with what the newest manifest says.
    if (this.daemon?.options.tookOver === true) this.checks.accepted.delete(this.daemon.ownership.epoch)
    this.daemon?.kill()
    this.daemon = undefined
  }

  /** Another daemon takes the name over; the one before goes on until it notices. */
  takeOver(options: Partial<DaemonOptions> = {}): Daemon {
    this.checks.settings.hasOtherWriter = true
    const { writer, epoch } = this.bucket.owner
    this.bucket.owner = { writer: writer + 1, epoch: epoch + 1 }
    this.checks.accepted.set(epoch + 1, this.time.now)
    return this.begin({ ...options, tookOver: true })
  }

  /** The machine is replaced: the same paths on new disks, and a daemon that takes the name over. */
  replaceMachine(): Daemon {
    // No process outlives its machine.
    for (const daemon of this.daemons) daemon.kill()
    this.node.replaceMachine()
    return this.takeOver()
  }

  /** All that is under way ends, all that is broken is mended, and nothing happens any more. */
  async calm(duration = QUIET): Promise<void> {
    for (let round = 0; round < 50; round++) {
      await this.run(2000)
      this.node.heal()
      if (!this.node.cassandra.isBusy && this.node.cassandra.isUp) break
    }
    this.network.weather = 'fair'
    for (const daemon of this.daemons) {
      daemon.pace.calm()
      daemon.uploads.failures = 0
      daemon.logs.failures = 0
    }
    if (this.daemon?.process.isAlive !== true) this.begin()
    this.daemon?.pace.calm()
    await this.run(duration)
  }

  judgeEnd(): void {
    if (this.checks.violation !== undefined) return
    const alive = this.daemons.filter(({ process }) => process.isAlive)
    const problem = judgeEnd(this.node, this.checks, this.bucket, this.daemon, alive)
    if (problem !== undefined) this.checks.broken(problem)
  }

  note(text: string): void {
    this.trace.push(`${this.time.now.toFixed(1)} ${text}`)
  }

  #options(): DaemonOptions {
    const { mode, includesCopies, pace } = this.#script
    const { epoch } = this.bucket.owner
    return {
      acceptedEpoch: epoch > 1 ? epoch : 0,
      isOneShot: false,
      backsUpExisting: mode !== 'watch',
      tookOver: false,
      deletesUploaded: mode === 'delete',
      includesCopies,
      settle: SETTLE,
      queueLimit: 2000,
      watchLimit: 100,
      pace: PACES[pace],
      stepCost: this.#script.stepCost ?? 0,
    }
  }
}

/** The last part of a path. */
export function short(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
