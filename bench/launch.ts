import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { BenchFailure } from './failure.js'
import { interruption } from './interruption.js'
import { program } from './program.js'

/** A command line with all of its environment. */
export interface Command {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What a whole process cost, with all its threads and the children it waited for. */
export interface Usage {
  /** CPU in user mode and in the kernel, s. */
  readonly user: number
  readonly sys: number
  /** s */
  readonly wall: number
  /** Peak resident memory, bytes. */
  readonly rss: number
}

/** How often it is looked whether a client has done its work, ms. */
const LOOK = 50

/** The exit codes of a program that was told to end: by itself, or by the signal. */
const ENDED: readonly number[] = [0, 143]

/** How much of a client's output is kept to show when it fails, characters. */
const TAIL = 4000

/**
 * Runs a client to its end.
 * @param folder for the launcher's report
 * @param done asked again and again of a client that does not end by itself: once it is true, SIGTERM ends it
 * @throws BenchFailure with the end of its output when it fails
 */
export async function launch(
  command: Command,
  folder: string,
  done?: () => Promise<boolean>,
): Promise<Usage> {
  const report = join(folder, 'usage.json')
  const child = spawn(await program('launch'), [report, ...command.argv], {
    env: command.env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let tail = ''
  const keep = (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-TAIL))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  // The client goes with the launcher.
  const end = () => child.kill('SIGKILL')
  interruption.addEventListener('abort', end)
  const close = once(child, 'close').finally(() => interruption.removeEventListener('abort', end))
  const ended = close.then(() => true)
  while (done !== undefined && !(await Promise.race([ended, setTimeout(LOOK, false)]))) {
    if (!(await done())) continue
    child.kill('SIGTERM')
    break
  }
  const [code] = (await close) as [number | null]
  interruption.throwIfAborted()
  if (code !== 0) throw new BenchFailure(`the launcher failed: ${tail}`)
  const found = JSON.parse(readFileSync(report, 'utf8')) as Record<keyof Usage | 'code', number>
  rmSync(report)
  if (found.code !== 0 && !(done !== undefined && ENDED.includes(found.code)))
    throw new BenchFailure(`exit code ${found.code} of ${command.argv.join(' ')}\n${tail}`)
  return {
    user: found.user / 1e6,
    sys: found.sys / 1e6,
    wall: found.wall / 1e6,
    rss: found.rss * 1024,
  }
}
