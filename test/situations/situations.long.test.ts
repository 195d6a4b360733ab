import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { SITUATIONS, type Situation } from './situations.js'

// Each right behaviour is taken out of a copy of the program: the test that is said to hold it must fail.

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** SITUATION=13,14 runs those whose titles begin so. */
const only = process.env['SITUATION']?.split(',')

/** Time for one test, ms: some of those that fail wait for what does not come. */
const LONGEST = 300_000

/** What a copy of the program needs beside its compiled modules. */
const BESIDE = [
  'esbuild.config.js',
  'README.md',
  'tablesnap.conf.example',
  'CHANGELOG.md',
  'docs',
  'test/fixtures',
]

/** A copy of the built project with one module changed. */
class Copy {
  readonly #directory = mkdtempSync(join(tmpdir(), 'situation-'))

  /** @param change what is changed; undefined: nothing */
  constructor(change: Situation | undefined) {
    for (const name of ['dist', 'package.json', ...BESIDE])
      cpSync(join(root, name), join(this.#directory, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(this.#directory, 'node_modules'))
    if (change === undefined) return
    const { module, from, to } = change
    const file = join(this.#directory, 'dist/src', `${module}.js`)
    const text = readFileSync(file, 'utf8')
    if (text.split(from).length !== 2) throw new Error(`${module} has changed: ${from}`)
    writeFileSync(
      file,
      text.replace(from, () => to),
    )
  }

  /** Runs the test that holds a right behaviour. @returns the first failure; `timeout!` for one that does not end, undefined for none */
  async test({ test, holds }: Situation): Promise<string | undefined> {
    // Many tests start a command, which is a bundle.
    const built = await this.#run('esbuild.config.js')
    if (built.code !== 0) throw new Error(built.said)
    const env = { TAP_GREP: `/${holds}/`, TAP_TIMEOUT: String(LONGEST / 1000 - 30) }
    const { code, said } = await this.#run(`dist/test/${test}.test.js`, env)
    const [, failure] = /^ *not ok \d+ - (.*)$/m.exec(said) ?? []
    if (failure === undefined && !/^ok \d+ - (?!.* # SKIP)/m.test(said) && code !== null)
      throw new Error(`${test} has no test ${holds}: ${said.slice(-500)}`)
    return failure ?? (code === 0 ? undefined : 'timeout!')
  }

  #run(script: string, env: Record<string, string> = {}): Promise<{ code: number | null; said: string }> {
    const child = spawn(process.execPath, [join(this.#directory, script)], {
      cwd: this.#directory,
      env: { ...process.env, ...env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST,
      killSignal: 'SIGKILL',
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece: string) => (said += piece))
    return new Promise(resolve => child.once('close', code => resolve({ code, said })))
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true })
  }
}

/** Runs the test of a situation in a copy. @param change whether the right behaviour is taken out */
async function failureOf(situation: Situation, change: boolean): Promise<string | undefined> {
  const copy = new Copy(change ? situation : undefined)
  try {
    return await copy.test(situation)
  } finally {
    copy.remove()
  }
}

t.setTimeout(0)

for (const situation of SITUATIONS) {
  if (only?.some(start => situation.title.startsWith(start)) === false) continue
  await t.test(`${situation.title}: a test holds the right behaviour`, async t => {
    const failure = await failureOf(situation, true)
    t.ok(failure !== undefined, `${situation.test} fails: ${failure}`)
    // On a busy machine it may have had too little time.
    if (failure === 'timeout!')
      t.equal(await failureOf(situation, false), undefined, 'and not without the change')
  })
}
