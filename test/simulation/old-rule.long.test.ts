import t from 'tap'

import { faultOf, oldViolation, OLD_FAULTS } from './old/classify.js'
import type { OldFault } from './old/fixes.js'

t.setTimeout(0)

// Nobody reads the stacks of simulated refusals.
Error.stackTraceLimit = 0

/** Seeds within which the faults are found, and how many of them at least. */
const SEEDS = Number(process.env['SEEDS'] ?? 100_000)
const LEAST = 14

/*
 * The code of c02b973 goes wrong in 21 known histories. The parts of it in which 15 of them live are ported to
 * test/simulation/old: its core, its writer of manifests, the end of its -B, and the order in which its readers take manifests.
 * The other 6 live where the simulation does not reach: pages of a LIST, the size of a manifest, which files of an index
 * change, the choice of restore points for a whole node, the paths of dropped tables, and an example in the README.
 *
 * Nobody tells the simulation of these histories: it draws random ones, the same as for the program of today. A history that
 * goes wrong counts for a fault only if the harm is the one that the fault does, is gone once this fault alone is mended in
 * the port, and is there when any other one is mended.
 */
await t.test(`the faults of c02b973 are found by random histories`, { timeout: 0 }, async t => {
  const missing = new Set<OldFault>(OLD_FAULTS)
  const began = performance.now()
  const found: string[] = []
  let wrong = 0
  let seed = 1
  for (; seed <= SEEDS && missing.size > 0; seed++) {
    const violation = await oldViolation(seed)
    if (violation === undefined) continue
    wrong++
    const fault = await faultOf(seed, violation, missing)
    if (fault === undefined) continue
    missing.delete(fault)
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    const line = `${fault.padEnd(10)} seed ${String(seed).padStart(6)} after ${seconds.padStart(4)} s: ${violation.slice(0, 160)}`
    found.push(line)
    t.comment(line)
  }
  t.comment(`${seed - 1} histories, ${wrong} of them wrong; not found: ${[...missing].join(', ') || 'none'}`)
  t.ok(found.length >= LEAST, `${found.length} of 21 are found, ${LEAST} must be`)
})
