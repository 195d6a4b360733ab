import { Broken } from './judge.js'
import { Random } from './random.js'
import { RandomHistory, type Operation } from './random-history.js'
import type { MakeRule } from './simulated-daemon.js'

/** How often an operation comes, beside the others. */
export type Weights = Readonly<Partial<Record<Operation, number>>>

const ALL: Weights = {
  flush: 24,
  slowFlush: 3,
  compact: 10,
  compactNow: 6,
  cleanup: 2,
  garbagecollect: 2,
  anticompact: 2,
  finish: 16,
  purgeAll: 2,
  stream: 4,
  import: 3,
  settle: 4,
  truncate: 2,
  drop: 0.4,
  crash: 2,
  kill: 3,
  overflow: 2,
  scan: 6,
  step: 6,
  vanish: 1,
  wipe: 0.4,
  loseDisk: 0.8,
  returnDisk: 1,
  nothing: 4,
}

/** Only what a table does while all goes well: the rows of its states depend on the rule alone. */
export const PLAIN: Weights = { flush: 5, compactNow: 3 }

/** How a history went: its operations, the states that were written, and what was wrong. */
export interface Outcome {
  readonly operations: readonly string[]
  readonly states: readonly string[]
  readonly broken: string | undefined
}

/** How histories differ from what the seed says. */
export interface Shape {
  readonly length?: number
  /** Of the operations; all of them unless given. */
  readonly weights?: Weights
  /** States may be of any moment, in order, whatever time they claim. */
  readonly anyMoment?: boolean
}

/** Runs one history. */
export function runHistory(
  seed: number,
  make: MakeRule,
  { length, weights = ALL, anyMoment = false }: Shape = {},
): Outcome {
  const random = new Random(seed ^ 0x5bd1e995)
  const history = new RandomHistory(seed, make, anyMoment)
  const operations: string[] = []
  const count = length ?? 8 + random.below(23)
  try {
    history.begin()
    while (operations.length < count) {
      const operation = random.weighted({ ...weights } as Record<Operation, number>)
      operations.push(operation)
      history.do(operation)
    }
    history.rest()
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    return { operations, states: history.daemon.states, broken: error.message }
  }
  return { operations, states: history.daemon.states, broken: undefined }
}
