// Runs one suite of the compiled tests, and prints TAP; on a terminal one line for each file, and all that a failed file printed.
//   node .ci/tests.js fast|slow|real|long|fuzz [--jobs=N] [--timeout=SECONDS] [dist/test/….test.js]...
// The end of a file's name says which suite it belongs to:
//   X.test.ts       fast: hermetic; takes less than some 2 s, or tests the core (tables, manifest, backup, simulation)
//   X.slow.test.ts  slow: hermetic; starts many processes, waits, or handles much data
//   X.real.test.ts  real: needs versitygw or Cassandra, see .ci/install
//   X.long.test.ts  long: takes minutes or hours, or needs what .ci/install does not install by default
// fuzz runs test/fuzz with FUZZ_RUNS new inputs for each parser; without that, they are the same 2,000 each time.
// This is not `tap` itself: its loaders cost a second of CPU time for each file, and again for each worker thread that a test starts.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { clearTimeout, setTimeout } from 'node:timers'

/** Files that run beside each other, and the time for each of them and for each test in it, seconds. */
const SUITES = {
  fast: { jobs: 3, timeout: 120, has: name => !/\.[^.]+\.test\.ts$/.test(name) },
  slow: { jobs: 3, timeout: 400, has: name => name.endsWith('.slow.test.ts') },
  real: { jobs: 2, timeout: 900, has: name => name.endsWith('.real.test.ts') },
  long: { jobs: 1, timeout: 3600, has: name => name.endsWith('.long.test.ts') },
  fuzz: { jobs: 1, timeout: 14_400, has: name => name.startsWith('fuzz/') },
}

/** The files that take longest begin first: else one of them would run alone at the end. */
const LONGEST = [
  'backup/soak.real',
  'backup/busy-node.real',
  'retention/large-retention.slow',
  'config/rotating-credentials.slow',
  'retention/chop-daemon.slow',
  'backup/incomplete.slow',
  'simulation/simulation.slow',
  'docs/permissions.slow',
  'backup/long-outage.slow',
  'manifest/large-manifest.slow',
  'docs/commands.slow',
  'backup/random-deletions.slow',
  'backup/daemon',
  'simulation/shrunk-histories',
  'backup/restore-points',
]

/** A file whose tests did not end it in time may take so long to say which of them was under way, and so long to exit, ms. */
const GRACE = 10_000

process.chdir(join(import.meta.dirname, '..'))

/** The test files in `test`, by the sources: dist may hold compiled tests whose sources have another name by now. */
function sources() {
  const names = readdirSync('test', { recursive: true }).filter(name => name.endsWith('.test.ts'))
  const strays = names.filter(name => !Object.values(SUITES).some(suite => suite.has(name)))
  if (strays.length > 0) throw new Error(`these tests belong to no suite: ${strays.join(', ')}`)
  const missing = LONGEST.filter(name => !names.includes(`${name}.test.ts`))
  if (missing.length > 0) throw new Error(`LONGEST names tests that are not there: ${missing.join(', ')}`)
  const rank = name =>
    (LONGEST.indexOf(name.slice(0, -'.test.ts'.length)) + LONGEST.length + 1) % (LONGEST.length + 1)
  return names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

function options([name, ...rest]) {
  const suite = SUITES[name]
  if (suite === undefined) throw new Error(`there is no suite ${name}: ${Object.keys(SUITES).join(', ')}`)
  const found = { jobs: suite.jobs, timeout: suite.timeout, files: [] }
  for (const word of rest) {
    const [, key, value] = /^--(jobs|timeout)=(\d+)$/.exec(word) ?? []
    if (key !== undefined) found[key] = Number(value)
    else found.files.push(word)
  }
  if (found.files.length === 0)
    found.files = sources()
      .filter(suite.has)
      .map(file => `dist/test/${file.replace(/ts$/, 'js')}`)
  const missing = found.files.filter(file => !existsSync(file))
  if (missing.length > 0) throw new Error(`not compiled: ${missing.join(', ')}`)
  return found
}

const { jobs, timeout, files } = options(process.argv.slice(2))
const isTerminal = process.stdout.isTTY === true
/** The tests of a long suite say how far they are. */
const isShownAtOnce = jobs === 1 && !isTerminal
const totals = { total: 0, pass: 0, fail: 0, skip: 0, todo: 0 }

/** Output of a file as that of a subtest: .ci/run adds up the totals that begin a line. */
const indented = output => output.replace(/^(?=.)/gm, '    ')

/** Runs a file to its end. @returns its output, exit code or signal, and time in ms */
function run(file) {
  const began = performance.now()
  if (isShownAtOnce) process.stdout.write(`# Subtest: ${file}\n`)
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(timeout) },
  })
  let output = ''
  let timer
  const limit = ms => {
    clearTimeout(timer)
    if (ms > 0) timer = setTimeout(end, ms + GRACE)
  }
  // On SIGALRM the tests of a file say which of them have not ended.
  const end = () => {
    child.kill('SIGALRM')
    timer = setTimeout(() => child.kill('SIGKILL'), GRACE)
  }
  limit(timeout * 1000)
  // t.setTimeout() of a whole file sends this message; 0 is no limit.
  child.on('message', message => {
    if (typeof message?.setTimeout === 'number') limit(message.setTimeout)
  })
  let shown = 0
  child.stdout.setEncoding('utf8').on('data', piece => {
    output += piece
    const end = output.lastIndexOf('\n') + 1
    if (isShownAtOnce && end > shown) process.stdout.write(indented(output.slice(shown, end)))
    shown = end
  })
  return new Promise(resolve =>
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ output, status: code ?? signal, time: performance.now() - began })
    }),
  )
}

/** Adds up the last line of totals that a file printed. @returns whether the file was right */
function count({ output, status }) {
  const [line] = output.match(/^# \{ total: .*\}$/gm)?.slice(-1) ?? []
  const of = name => Number(new RegExp(` ${name}: (\\d+)`).exec(line ?? '')?.[1] ?? 0)
  const isRight = status === 0 && of('total') > 0 && of('fail') === 0
  for (const name of Object.keys(totals)) totals[name] += of(name)
  if (!isRight && of('fail') === 0) {
    totals.total += 1
    totals.fail += 1
  }
  return isRight
}

let ended = 0

function report(file, result) {
  ended += 1
  const isRight = count(result)
  const verdict = `${isRight ? 'ok' : 'not ok'} ${ended} - ${file} # time=${result.time.toFixed(0)}ms\n`
  const why = isRight ? '' : `# ${file} ended with ${result.status}\n`
  const isHidden = isShownAtOnce || (isTerminal && isRight)
  process.stdout.write(`${isHidden ? '' : `# Subtest: ${file}\n${indented(result.output)}`}${verdict}${why}`)
}

const waiting = [...files]

async function work() {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) report(file, await run(file))
}

await Promise.all(Array.from({ length: jobs }, work))
const sums = Object.entries(totals).filter(([name, sum]) => name === 'total' || sum > 0)
process.stdout.write(`1..${files.length}\n# { ${sums.map(([name, sum]) => `${name}: ${sum}`).join(', ')} }\n`)
process.exitCode = totals.fail === 0 ? 0 : 1
