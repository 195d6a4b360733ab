import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { SITUATIONS, type Situation } from './situations.js'

// Each right behaviour is taken out of a copy of the program: the test that is said to hold it must fail.

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** SITUATION=13,14 runs those of these numbers. */
const only = process.env['SITUATION']?.split(',')

/** A test that waits in vain ends by itself after a minute; one that does not has failed, too. ms */
const LONGEST = 240_000

/** Tests that start a command, which is a bundle. */
const STARTS_BINARY = /^(?:e2e|slow)\//

/** What a copy of the program needs beside its compiled modules. */
const BESIDE = ['esbuild.config.js', 'README.md', 'tablesnap.conf.example', 'CHANGELOG.md', 'docs', 'test/fixtures']

/** A copy of the built project with one module changed. */
class Copy {
  readonly #directory = mkdtempSync(join(tmpdir(), 'situation-'))

  constructor({ module, from, to }: Situation) {
    for (const name of ['dist', 'package.json', ...BESIDE])
      cpSync(join(root, name), join(this.#directory, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(this.#directory, 'node_modules'))
    const file = join(this.#directory, 'dist/src', `${module}.js`)
    const text = readFileSync(file, 'utf8')
    if (text.split(from).length !== 2) throw new Error(`${module} has changed: ${from}`)
    writeFileSync(
      file,
      text.replace(from, () => to),
    )
  }

  /** Runs a script of the copy. @returns its exit code and what it said; undefined as the code: it did not end */
  run(script: string, env: Record<string, string> = {}): Promise<{ code: number | null; said: string }> {
    const child = spawn(process.execPath, [join(this.#directory, script)], {
      cwd: this.#directory,
      env: { ...process.env, ...env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST,
      killSignal: 'SIGKILL',
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said += piece))
    return new Promise(resolve => child.once('close', code => resolve({ code, said })))
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true })
  }
}

t.setTimeout(0)

for (const situation of SITUATIONS) {
  if (only?.includes(situation.title.slice(0, 2)) === false) continue
  await t.test(`${situation.title}: a test holds the right behaviour`, async t => {
    const { test, holds } = situation
    const copy = new Copy(situation)
    t.teardown(() => copy.remove())
    if (STARTS_BINARY.test(test)) {
      const built = await copy.run('esbuild.config.js')
      t.equal(built.code, 0, built.said)
    }
    const { code, said } = await copy.run(`dist/test/${test}.test.js`, { TAP_GREP: `/${holds}/` })
    const [failed] = /^ *not ok .*$/m.exec(said) ?? []
    t.not(code, 0, `${test} fails`)
    t.ok(failed !== undefined || code === null, `${failed?.trim() ?? 'it does not end'}`)
    t.comment(`${test}: ${failed?.trim() ?? 'it does not end'}`)
  })
}
