import { setImmediate as turn } from 'node:timers/promises'

import { Random } from '../state/random.js'

import { Bucket } from './bucket.js'
import { Checks, EPOCH } from './checks.js'
import type { MakeCore } from './core.js'
import { Daemon, type DaemonOptions } from './daemon.js'
import { judgeEnd } from './ending.js'
import { Network, type Weather } from './network.js'
import { Node } from './node.js'
import { PACES } from './pace.js'
import { Scheduler } from './scheduler.js'
import { OPERATIONS, type Event, type Fault, type Operation, type Script } from './script.js'
import type { World } from './world.js'

/** How long all is quiet before the end is judged, ms. */
const QUIET = 120_000

/** How long operations may take to end, ms. */
const PATIENCE = 3_600_000

/** How long files must be unchanged, ms. */
const SETTLE = 1000

/** Faults that bring another process. */
const ALONE: ReadonlySet<Fault> = new Set(['oneShot', 'takeOver', 'replaceMachine'])

/** How a history went. */
export interface Outcome {
  /** Undefined: all was as it must be. */
  readonly violation: string | undefined
  readonly manifests: number
  /** Virtual ms. */
  readonly duration: number
  readonly trace: readonly string[]
}

/** One run of a node, a bucket and the processes that back the node up. */
export class History {
  readonly #script: Script
  readonly #time = new Scheduler()
  readonly #random: Random
  readonly #node: Node
  readonly #network: Network
  readonly #bucket: Bucket
  readonly #checks: Checks
  readonly #world: World
  readonly #daemons: Daemon[] = []
  readonly #trace: string[] = []
  #daemon: Daemon | undefined
  #skew = 0
  #tookOver = false

  constructor(script: Script, makeCore: MakeCore) {
    this.#script = script
    this.#random = new Random(script.salt)
    this.#node = new Node(this.#time, script)
    const now = () => this.#time.now
    this.#network = new Network(this.#time, this.#random)
    this.#checks = new Checks(
      this.#node.truths,
      { settle: SETTLE, isOldCassandra: !this.#node.hasLogs, hasWildClock: false, hasOtherWriter: false },
      now,
    )
    this.#bucket = new Bucket(manifest => {
      this.#note(`manifest ${manifest.key} ${[...manifest.state.sets.keys()].map(short).join(' ')}`)
      this.#checks.manifest(manifest)
    })
    this.#checks.bucket = this.#bucket
    this.#world = {
      time: this.#time,
      fs: this.#node.fs,
      bucket: this.#bucket,
      network: this.#network,
      random: this.#random,
      makeCore,
      serverTime: () => Math.floor(EPOCH + this.#time.now + this.#skew),
      watcher: this.#checks,
    }
  }

  async run(): Promise<Outcome> {
    try {
      await this.#live()
    } catch (error) {
      this.#checks.broken(
        error instanceof Error ? `it threw: ${error.stack ?? error.message}` : String(error),
      )
    }
    if (this.#checks.violation !== undefined) this.#tellTruths()
    let manifests = 0
    for (const all of this.#bucket.manifests.values()) manifests += all.length
    return {
      violation: this.#checks.violation,
      manifests,
      duration: this.#time.now,
      trace: this.#trace,
    }
  }

  async #live(): Promise<void> {
    const { existing, events } = this.#script
    this.#node.fill(existing)
    this.#begin()
    for (const event of events) {
      await this.#until(this.#time.now + event.after)
      if (this.#checks.violation !== undefined) return
      this.#do(event)
    }
    await this.#calm()
    if (this.#checks.violation === undefined) this.#judgeEnd()
  }

  /** All that is under way ends, all that is broken is mended, and nothing happens any more. */
  async #calm(): Promise<void> {
    const limit = this.#time.now + PATIENCE
    for (let round = 0; round < 50; round++) {
      await this.#until(this.#time.now + 2000)
      this.#node.heal()
      if (!this.#node.cassandra.isBusy && this.#node.cassandra.isUp) break
      if (this.#time.now > limit) throw new Error('operations do not end')
    }
    this.#network.weather = 'fair'
    for (const daemon of this.#daemons) {
      daemon.pace.calm()
      daemon.uploads.failures = 0
      daemon.logs.failures = 0
    }
    if (this.#daemon?.process.isAlive !== true) this.#begin()
    this.#daemon?.pace.calm()
    await this.#until(this.#time.now + QUIET)
  }

  #judgeEnd(): void {
    const alive = this.#daemons.filter(({ process }) => process.isAlive)
    const problem = judgeEnd(this.#node, this.#checks, this.#bucket, this.#daemon, alive)
    if (problem !== undefined) this.#checks.broken(problem)
  }

  /** Runs until a virtual time. A process that stands still may take longer. */
  async #until(end: number): Promise<void> {
    while (this.#time.now < end && this.#checks.violation === undefined) {
      let isBusy = false
      for (const daemon of this.#daemons) {
        if (!daemon.step()) continue
        isBusy = true
        await turn()
      }
      if (isBusy) continue
      const before = this.#time.now
      this.#time.next(end)
      for (const daemon of this.#daemons)
        if (daemon.process.isAlive) this.#checks.caughtUp(daemon, before, this.#time.now)
    }
  }

  #options(isOneShot: boolean): DaemonOptions {
    const { mode, includesCopies, pace } = this.#script
    return {
      isOneShot,
      backsUpExisting: isOneShot || mode !== 'watch',
      tookOver: this.#tookOver,
      deletesUploaded: mode === 'delete',
      includesCopies,
      settle: SETTLE,
      queueLimit: 2000,
      watchLimit: isOneShot && this.#random.chance(0.3) ? 0 : 100,
      pace: PACES[pace],
    }
  }

  #begin(): void {
    const daemon = new Daemon(this.#world, this.#options(false))
    this.#daemons.push(daemon)
    this.#daemon = daemon
    this.#note('daemon starts')
    daemon.start()
  }

  #do({ what, salt }: Event): void {
    this.#note(what)
    if (isOperation(what)) this.#node.do(what, salt)
    else this.#fault(what, salt)
  }

  #fault(what: Fault, salt: number): void {
    const random = new Random(salt)
    const daemon = this.#daemon
    // Two processes that delete files would take each other's deletions for losses.
    if (this.#script.mode === 'delete' && ALONE.has(what)) return
    switch (what) {
      case 'freeze':
        daemon?.pace.stop(random.chance(0.7) ? 10 + random.next() * 500 : random.next() ** 4 * 600_000)
        return
      case 'kill':
        this.#kill()
        this.#time.after(random.chance(0.5) ? 10 : random.next() * 20_000, () => this.#restart())
        return
      case 'overflow':
        daemon?.queue.limit(random.below(20))
        this.#time.after(random.next() * 500, () => daemon?.queue.limit(2000))
        return
      case 'slow':
      case 'failing':
      case 'lossy':
      case 'refused':
      case 'fair':
        this.#network.weather = what satisfies Weather
        return
      case 'oneShot':
        this.#checks.settings.hasOtherWriter = true
        this.#daemons.push(new Daemon(this.#world, this.#options(true)))
        this.#daemons.at(-1)!.start()
        return
      case 'takeOver':
      case 'replaceMachine':
        this.#takeOver(what === 'replaceMachine')
        return
      case 'unreadableNewest': {
        const newest = this.#bucket.newest(this.#node.family.base.unit)
        if (newest !== undefined) newest.isUnreadable = true
        return
      }
      case 'noDescriptors':
        if (daemon !== undefined) daemon.uploads.failures += 1 + random.below(4)
        return
      case 'noLogDescriptors':
        if (daemon !== undefined) daemon.logs.failures += 1 + random.below(3)
        return
      case 'jump':
        this.#checks.settings.hasWildClock = true
        this.#skew += random.chance(0.5) ? -random.next() * 60_000 : random.next() * 60_000
        return
    }
  }

  #kill(): void {
    this.#daemon?.kill()
    this.#daemon = undefined
  }

  #restart(): void {
    if (this.#daemon === undefined) this.#begin()
  }

  /** Another daemon takes the name over; the one before goes on until it notices. */
  #takeOver(isReplaced: boolean): void {
    this.#checks.settings.hasOtherWriter = true
    if (isReplaced) {
      // No process outlives its machine.
      for (const daemon of this.#daemons) daemon.kill()
      this.#kill()
      this.#node.replaceMachine()
    }
    this.#bucket.owner = { writer: this.#bucket.owner.writer + 1, epoch: this.#bucket.owner.epoch + 1 }
    this.#tookOver = true
    this.#begin()
    this.#tookOver = false
  }

  #tellTruths(): void {
    for (const [unit, { commits }] of this.#node.truths)
      for (const { time, adds, removes, kind } of commits)
        this.#trace.push(
          `truth of ${short(unit)} ${time.toFixed(1)} ${kind} +${adds.map(({ path }) => path.slice(4, 7) + short(path)).join(' +')} -${removes.map(({ path }) => short(path)).join(' -')}`,
        )
  }

  #note(text: string): void {
    this.#trace.push(`${this.#time.now.toFixed(1)} ${text}`)
  }
}

function isOperation(what: Operation | Fault): what is Operation {
  return (OPERATIONS as readonly string[]).includes(what)
}

function short(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
