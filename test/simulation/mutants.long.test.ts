import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import t from 'tap'

import { MUTANTS, type Mutant } from './mutants.js'

/** Seeds within which each is found. A mutant that survives them fails the test. */
const SEEDS = Number(process.env['SEEDS'] ?? 20_000)

const dist = fileURLToPath(new URL('../..', import.meta.url))
const root = join(dist, '..')

/** A range of seeds: the first, how many, and after how many failures it ends. */
interface Range {
  readonly first: number
  readonly count: number
  readonly most: number
}

/** Seeds that go wrong in a copy of the program. @param mutant what is changed in it */
async function failing(
  mutant: Mutant | undefined,
  { first, count, most }: Range,
): Promise<Map<number, string>> {
  const copy = mkdtempSync(join(tmpdir(), 'mutant-'))
  try {
    for (const folder of ['src', 'test/simulation', 'test/manifest'])
      cpSync(join(dist, folder), join(copy, 'dist', folder), { recursive: true })
    cpSync(join(root, 'package.json'), join(copy, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    if (mutant !== undefined) {
      const file = join(copy, 'dist/src/tables', `${mutant.module}.js`)
      const text = readFileSync(file, 'utf8')
      if (text.split(mutant.from).length !== 2)
        throw new Error(`${mutant.module} has changed: ${mutant.from}`)
      writeFileSync(file, text.replace(mutant.from, mutant.to))
    }
    const program = join(copy, 'dist/test/simulation/range.js')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, String(first), String(count), String(most)],
      { maxBuffer: 2 ** 26 },
    )
    const lines = stdout.split('\n').filter(line => line !== '')
    const failures = lines.map(line => JSON.parse(line) as { seed: number; violation: string })
    return new Map(failures.map(({ seed, violation }) => [seed, violation]))
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** The first seed that goes wrong with a mutant alone, and how. */
async function seedOf(mutant: Mutant): Promise<{ seed: number; violation: string } | undefined> {
  for (let first = 1; first <= SEEDS; first++) {
    const [failure] = await failing(mutant, { first, count: SEEDS - first + 1, most: 1 })
    if (failure === undefined) return undefined
    const [seed, violation] = failure
    const unchanged = await failing(undefined, { first: seed, count: 1, most: 1 })
    if (unchanged.size === 0) return { seed, violation }
    first = seed
  }
  return undefined
}

t.setTimeout(0)

for (const mutant of MUTANTS) {
  await t.test(`it is found: ${mutant.title}`, async t => {
    const began = performance.now()
    const found = await seedOf(mutant)
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    if (found === undefined) t.fail(`not by ${SEEDS} seeds`)
    else t.pass(`by seed ${found.seed}, after ${seconds} s: ${found.violation}`)
  })
}
