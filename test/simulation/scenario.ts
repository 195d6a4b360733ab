import { isRestorable, type State } from '../../src/manifest/state.js'

import type { MakeCore } from './core.js'
import { TODAY } from './program.js'
import type { Operation, Script } from './script.js'
import { Simulation, short } from './simulation.js'

/** A node with one table and nothing in it, and a daemon that backs all of it up. */
export const PLAIN: Script = {
  format: 'big',
  directories: 1,
  hasIndex: false,
  includesCopies: false,
  existing: 0,
  mode: 'all',
  pace: 'quick',
  speed: 1,
  salt: 1,
  events: [],
}

/** A history that is told step by step. */
export class Scenario extends Simulation {
  constructor(script: Partial<Script>, makeCore: MakeCore, program = TODAY) {
    super({ ...PLAIN, ...script }, makeCore, program)
    this.node.fill(script.existing ?? 0)
  }

  /** Begins an operation, and lets time go by. */
  async do(what: Operation, duration = 0, salt = 1): Promise<void> {
    this.operate(what, salt)
    await this.run(duration)
  }

  /** Does something again and again. */
  async every(interval: number, times: number, work: (index: number) => void): Promise<void> {
    for (let index = 0; index < times; index++) {
      work(index)
      await this.run(interval)
    }
  }

  /** All manifests of the table, in the order in which they were written. */
  get states(): State[] {
    const { unit } = this.node.family.base
    return (this.bucket.manifests.get(unit) ?? []).map(({ state }) => state)
  }

  get newest(): State | undefined {
    return this.bucket.newest(this.node.family.base.unit)?.state
  }

  /** What the newest manifest says: its SSTables, and what is wrong with it. */
  get said(): string {
    const { newest } = this
    if (newest === undefined) return 'nothing'
    const marks = [...newest.unprotected, ...newest.unexplained].map(path => ` -${short(path)}`)
    return `${[...newest.sets.keys()].map(short).sort().join(' ')}${marks.join('')}`
  }

  /** What the table has. */
  get there(): string {
    return [...this.node.truth.live]
      .map(({ path }) => short(path))
      .sort()
      .join(' ')
  }

  get isRestorable(): boolean {
    return this.newest !== undefined && isRestorable(this.newest)
  }

  /** The longest time between two manifests from one virtual time to another, ms. */
  pauses(from: number, to: number): number {
    const { unit } = this.node.family.base
    const all = (this.bucket.manifests.get(unit) ?? []).map(({ writtenAt }) => writtenAt)
    const times = [from, ...all.filter(time => time > from && time < to), to]
    return Math.max(...times.slice(1).map((time, index) => time - times[index]!))
  }
}
