import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PROGRAM = fileURLToPath(new URL('range.js', import.meta.url))

/** Runs seeds in several processes. @returns what went wrong, one line each */
export async function runInProcesses(first: number, count: number, processes: number): Promise<string[]> {
  const each = Math.ceil(count / processes)
  const outputs = await Promise.all(
    Array.from({ length: processes }, async (_, index) => {
      const from = first + index * each
      const args = [PROGRAM, String(from), String(Math.min(each, first + count - from))]
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })
      return stdout
    }),
  )
  return outputs
    .join('')
    .split('\n')
    .filter(line => line !== '')
}

/** What a test says of failures. */
export function story(failures: readonly string[]): string {
  const lines = failures.map(line => {
    const { seed, violation } = JSON.parse(line) as { seed: number; violation: string }
    return `node dist/test/simulation/replay.js ${seed} shrink: ${violation}`
  })
  return lines.join('\n')
}
