import { History } from './history.js'
import { REAL_CORE, scriptOf, shrink } from './seeds.js'
import type { Script } from './script.js'

// node dist/test/simulation/replay.js SEED [shrink] | node dist/test/simulation/replay.js '<script as JSON>'
const [what = '1', how] = process.argv.slice(2)
let script: Script
if (what.startsWith('{')) script = JSON.parse(what) as Script
else if (how === 'shrink') script = await shrink(Number(what))
else script = scriptOf(Number(what))
const outcome = await new History(script, REAL_CORE).run()
for (const line of outcome.trace) console.log(line)
console.log(JSON.stringify(script))
console.log(outcome.violation ?? 'nothing went wrong')
