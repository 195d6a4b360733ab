import { OLD_CORE, REAL_CORE, kindOf, runSeed, scriptOf } from './seeds.js'

// Nobody reads the stacks of simulated refusals.
Error.stackTraceLimit = 0

// node dist/test/simulation/survey.js FIRST COUNT: runs seeds, and counts what goes wrong by its kind.
const [first = '1', count = '1000'] = process.argv.slice(2)
const kinds = new Map<string, { count: number; seed: number; shown: string }>()
const began = process.cpuUsage()
let manifests = 0
let slowest = { time: 0, seed: 0 }
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const start = performance.now()
  if (process.env['SKIP'] !== undefined && scriptOf(seed).mode === process.env['SKIP']) continue
  const outcome = await runSeed(seed, process.env['CORE'] === 'old' ? OLD_CORE : REAL_CORE)
  const time = performance.now() - start
  if (time > slowest.time) slowest = { time, seed }
  manifests += outcome.manifests
  if (outcome.violation === undefined) continue
  const kind = kindOf(outcome.violation)
  const known = kinds.get(kind)
  if (known === undefined) kinds.set(kind, { count: 1, seed, shown: outcome.violation })
  else known.count++
}
const used = process.cpuUsage(began)
const took = (used.user + used.system) / 1000
for (const [, { count, seed, shown }] of [...kinds].sort((a, b) => b[1].count - a[1].count))
  console.log(`${count} × e.g. seed ${seed}: ${shown.slice(0, 300)}`)
console.log(
  `${(took / Number(count)).toFixed(2)} ms a history, ${(manifests / Number(count)).toFixed(1)} manifests, slowest ${slowest.time.toFixed(0)} ms (seed ${slowest.seed})`,
)
