import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Loaded into the program before anything else: kills it just before, or just after, the step of that number, one being
 * whatever it does to a directory. A signal from outside hardly ever comes between two of them.
 */
const steps = [
  'mkdir',
  'open',
  'link',
  'rename',
  'unlink',
  'rm',
  'rmdir',
  'chown',
  'chmod',
  'readdir',
] as const

const last = Number(process.env['KILL_AT_STEP'])
const after = process.env['KILL_AFTER'] === '1'

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

let count = 0
let began = false
for (const step of steps) {
  const original = promises[step] as (...args: unknown[]) => Promise<unknown>
  const counted = async (...args: unknown[]): Promise<unknown> => {
    // What comes before is the plan, which changes nothing.
    began ||= step === 'mkdir'
    const own = began ? ++count : 0
    if (own === last && !after) die()
    try {
      return await original(...args)
    } finally {
      if (own === last) die()
    }
  }
  Object.assign(promises, { [step]: counted })
}
syncBuiltinESMExports()
