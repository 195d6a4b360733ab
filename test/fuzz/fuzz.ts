import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import fc from 'fast-check'
import { threadCpuTime } from 'tablesnap-io'
import type { Test } from 'tap'

import { TablesnapError } from '../../src/errors.js'

/** Inputs for each parser: 2,000 in CI, 200,000 in the long run. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2000)

/** The short run is the same each time, as a change that is innocent must not fail it; the long one looks for what is new. */
const SEED = process.env['FUZZ_RUNS'] === undefined ? 20 : Date.now() & 0x7fffffff

/** Longest time of the thread that one input may take, ms. */
const LONGEST = 50

/** Times that a slow input is tried again: garbage may have been collected meanwhile. */
const TRIES = 3

/** By how much the heap may grow from the middle of a run to its end, bytes. */
const GROWTH = 8 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/**
 * Feeds a parser with inputs. It must throw none but errors of our own class, take no input longer than 50 ms, and keep no memory.
 * FUZZ_SEED and FUZZ_PATH repeat a run that failed; its counterexample is the smallest that was found.
 * @param parse may return a promise
 */
export async function fuzz<T>(
  t: Test,
  name: string,
  inputs: fc.Arbitrary<T>,
  parse: (input: T) => unknown,
): Promise<void> {
  const seed = Number(process.env['FUZZ_SEED'] ?? SEED)
  const path = process.env['FUZZ_PATH']
  let runs = 0
  let middle = 0
  const property = fc.asyncProperty(inputs, async input => {
    if (++runs === Math.ceil(RUNS / 2)) middle = heap()
    let shortest = Infinity
    for (let attempt = 0; attempt < TRIES && shortest > LONGEST; attempt++)
      shortest = Math.min(shortest, await timeOf(parse, input))
    if (shortest > LONGEST) throw new Error(`it takes ${Math.round(shortest)} ms`)
  })
  const result = await fc.check(property, { numRuns: RUNS, seed, ...(path === undefined ? {} : { path }) })
  const growth = heap() - middle
  if (result.failed) {
    t.fail(`${name}: FUZZ_SEED=${seed} FUZZ_PATH=${result.counterexamplePath ?? ''}`, {
      counterexample: fc.stringify(result.counterexample).slice(0, 4000),
      error: String(
        result.errorInstance instanceof Error ? result.errorInstance.stack : result.errorInstance,
      ),
    })
    return
  }
  t.pass(`${name}: ${result.numRuns} inputs, seed ${seed}`)
  t.ok(growth < GROWTH, `${name}: the heap grew by ${growth} bytes`)
}

/** @returns how long it takes, ms @throws what is no error of ours */
async function timeOf<T>(parse: (input: T) => unknown, input: T): Promise<number> {
  const began = threadCpuTime()
  try {
    await parse(input)
  } catch (error) {
    if (!(error instanceof TablesnapError)) throw error
  }
  return threadCpuTime() - began
}

function heap(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
