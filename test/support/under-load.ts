import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startBusyLoops } from './real/busy-loops.js'

/** Busy loops beside the test, and their priority, see nice(1). */
const LOOPS = 4
const NICE = 19

/** Lines of a failed run that say what failed. */
const FAILED = /^ *not ok /

const [, , file, count = '10'] = process.argv
if (file === undefined || !/^\d+$/.test(count)) {
  console.error(
    'usage: npm run test:load -- <test file> [times]\nfor example: npm run test:load -- dist/test/backup/compaction.slow.test.js 50',
  )
  process.exit(2)
}
const times = Number(count)
let failed = 0
const loops = await startBusyLoops({ teardown: () => undefined }, LOOPS, NICE)
for (let run = 1; run <= times; run += 1) {
  const began = performance.now()
  const tap = spawn('.ci/tests', ['real', '--jobs=1', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  tap.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(tap, 'close')) as [number | null]
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(`${file}: run ${run} of ${times}, ${seconds} s, exit code ${code ?? 'none'}`)
  if (code === 0) continue
  failed += 1
  console.log(
    failed === 1
      ? output
      : output
          .split('\n')
          .filter(line => FAILED.test(line))
          .join('\n'),
  )
}
await loops.stop()
console.log(`${file}: ${times} runs beside ${LOOPS} busy loops at nice ${NICE}, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
