import fc from 'fast-check'

import { Table } from '../../src/tables/table.js'

import type { CoreTable, MakeCore } from './core.js'
import { History, type Outcome } from './history.js'
import { oldCore } from './old/old-program.js'
import { TODAY } from './program.js'
import { scriptsOf, type Script } from './script.js'
import { shorten } from './shorten.js'

/** The core of the program. */
export const REAL_CORE: MakeCore = (name, settings, disk, orders, clock): CoreTable =>
  new Table(name, settings, disk, orders, clock)

/** The rule of before; see {@link OldTable}. */
export const OLD_CORE = oldCore()

/** A seed whose history goes wrong. */
export interface Failure {
  readonly seed: number
  readonly violation: string
  readonly script: Script
}

/** The script of a seed. */
export function scriptOf(seed: number): Script {
  return fc.sample(scriptsOf(seed), { seed, numRuns: 1 })[0]!
}

/** Runs one seed. */
export async function runSeed(seed: number, makeCore = REAL_CORE, program = TODAY): Promise<Outcome> {
  return new History(scriptOf(seed), makeCore, program).run()
}

/** Runs seeds one after the other until enough of them have failed. @param most failures */
export async function* runSeeds(
  first: number,
  count: number,
  makeCore = REAL_CORE,
  most = 1,
): AsyncGenerator<Failure> {
  let failures = 0
  for (let seed = first; seed < first + count && failures < most; seed++) {
    const { violation } = await runSeed(seed, makeCore)
    if (violation === undefined) continue
    failures++
    yield { seed, violation, script: scriptOf(seed) }
  }
}

/** The shortest script that can be found that goes wrong as that of a seed does. */
export async function shrink(seed: number, makeCore = REAL_CORE): Promise<Script> {
  const kindIn = async (script: Script) => kindOf((await new History(script, makeCore).run()).violation ?? '')
  const script = scriptOf(seed)
  const kind = await kindIn(script)
  return kind === '' ? script : shorten(script, async shorter => (await kindIn(shorter)) === kind)
}

/** A violation without the names and numbers in it. */
export function kindOf(violation: string): string {
  return violation
    .replace(/\S*\/\S*/g, '…')
    .replace(/\{.*\}/g, '{}')
    .replace(/[\d.]+/g, '#')
    .slice(0, 120)
}
