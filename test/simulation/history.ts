import { Random } from '../manifest/random.js'

import type { MakeCore } from './core.js'
import type { Weather } from './network.js'
import { TODAY } from './program.js'
import { OPERATIONS, type Event, type Fault, type Operation, type Script } from './script.js'
import { Simulation, short } from './simulation.js'

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

/** Plays one script. */
export class History {
  readonly #script: Script
  readonly #simulation: Simulation

  constructor(script: Script, makeCore: MakeCore, program = TODAY) {
    this.#script = script
    this.#simulation = new Simulation(script, makeCore, program)
  }

  async run(): Promise<Outcome> {
    const { checks, bucket, time, trace } = this.#simulation
    try {
      await this.#play()
    } catch (error) {
      checks.broken(error instanceof Error ? `it threw: ${error.stack ?? error.message}` : String(error))
    }
    if (checks.violation !== undefined) this.#tellTruths()
    let manifests = 0
    for (const all of bucket.manifests.values()) manifests += all.length
    return { violation: checks.violation, manifests, duration: time.now, trace }
  }

  async #play(): Promise<void> {
    const simulation = this.#simulation
    const { existing, events } = this.#script
    simulation.node.fill(existing)
    simulation.begin()
    for (const event of events) {
      await simulation.run(event.after)
      if (simulation.checks.violation !== undefined) return
      this.#do(event)
    }
    await simulation.calm()
    simulation.judgeEnd()
  }

  #do({ what, salt }: Event): void {
    this.#simulation.note(what)
    if (isOperation(what)) this.#simulation.operate(what, salt)
    else this.#fault(what, salt)
  }

  #fault(what: Fault, salt: number): void {
    const random = new Random(salt)
    const simulation = this.#simulation
    const { daemon, time, network, bucket, node, checks } = simulation
    // Two processes that delete files would take each other's deletions for losses.
    if (this.#script.mode === 'delete' && ALONE.has(what)) return
    switch (what) {
      case 'freeze':
        daemon?.pace.stop(random.chance(0.7) ? 10 + random.next() * 500 : random.next() ** 4 * 600_000)
        return
      case 'kill':
        simulation.kill()
        time.after(random.chance(0.5) ? 10 : random.next() * 20_000, () => {
          if (simulation.daemon === undefined) simulation.begin()
        })
        return
      case 'overflow':
        daemon?.queue.limit(random.below(20))
        time.after(random.next() * 500, () => daemon?.queue.limit(2000))
        return
      case 'slow':
      case 'failing':
      case 'lossy':
      case 'refused':
      case 'fair':
        network.weather = what satisfies Weather
        return
      case 'oneShot':
        simulation.beginOneShot({ watchLimit: random.chance(0.3) ? 0 : 100 })
        return
      case 'takeOver':
        simulation.takeOver()
        return
      case 'replaceMachine':
        simulation.replaceMachine()
        return
      case 'unreadableNewest': {
        const newest = bucket.newest(node.family.base.unit)
        if (newest !== undefined) newest.unreadableSince ??= time.now
        return
      }
      case 'noDescriptors':
        if (daemon !== undefined) daemon.uploads.failures += 1 + random.below(4)
        return
      case 'noLogDescriptors':
        if (daemon !== undefined) daemon.logs.failures += 1 + random.below(3)
        return
      case 'noListings':
        network.refused.add('PUT listing')
        return
      case 'jump':
        checks.settings.hasWildClock = true
        simulation.skew += random.chance(0.5) ? -random.next() * 60_000 : random.next() * 60_000
        return
    }
  }

  #tellTruths(): void {
    for (const [unit, { commits }] of this.#simulation.node.truths)
      for (const { time, adds, removes, kind } of commits)
        this.#simulation.trace.push(
          `truth of ${short(unit)} ${time.toFixed(1)} ${kind} +${adds.map(({ path }) => path.slice(4, 7) + short(path)).join(' +')} -${removes.map(({ path }) => short(path)).join(' -')}`,
        )
  }
}

function isOperation(what: Operation | Fault): what is Operation {
  return (OPERATIONS as readonly string[]).includes(what)
}
