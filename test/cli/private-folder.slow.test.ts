import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import t from 'tap'

import { publicProgram } from '../support/public-program.js'

/** An ordinary user: nobody. */
const ORDINARY = 65_534

const isRoot = process.getuid?.() === 0

const users = [
  { who: 'the user of the tests', uid: process.getuid?.() ?? 0 },
  ...(isRoot ? [{ who: 'an ordinary user', uid: ORDINARY }] : []),
]

for (const { who, uid } of users) {
  await t.test(`the demo runs in a folder of mode 0700, with a space in its path, as ${who}`, async t => {
    // The folder above must be open to the ordinary user; what the program needs is below the private one.
    const open = mkdtempSync(join(tmpdir(), 'tablesnap-private-'))
    t.teardown(() => rmSync(open, { recursive: true, force: true }))
    chmodSync(open, 0o755)
    const folder = join(open, 'a private folder')
    const { node, folder: program } = publicProgram()
    // Links do, as the copy is the tests' own.
    await promisify(execFile)('cp', ['-al', program, folder])
    mkdirSync(join(folder, 'tmp'))
    chmodSync(folder, 0o700)
    if (isRoot) await promisify(execFile)('chown', ['-R', String(uid), folder])
    const start = join(folder, 'dist', 'dev', 'start.js')
    const env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: join(folder, 'tmp') }
    const { stdout } = await promisify(execFile)(node, [start], { cwd: folder, env, uid })
    t.match(stdout, /45 of 45 files came back byte for byte/)
    t.comment(stdout.trim().split('\n').at(-1) ?? '')
  })
}
