import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Readable } from 'node:stream'

import type { Result } from '../../bench/result.js'

const run = promisify(execFile)
const SCRIPT = resolve(import.meta.dirname, '../../bench/run.js')

/** The benchmark's command line as `npm run bench` runs it, without peers. */
export class BenchRun {
  /** @param folder for everything that it makes */
  constructor(readonly folder: string) {}

  /** Cache and data of their own; no versitygw is looked for. */
  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      TABLESNAP_BENCH_CACHE: join(this.folder, 'cache'),
      TABLESNAP_CI_CACHE: join(this.folder, 'none'),
    }
  }

  /** Starts it. */
  spawn(args: readonly string[]): ChildProcessByStdio<null, null, Readable> {
    return spawn(process.execPath, [SCRIPT, ...args], {
      env: this.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  }

  /** Runs it to its end. @returns what it printed, and wrote with --json */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const work = join(this.folder, 'work')
    mkdirSync(work, { recursive: true })
    const json = join(this.folder, 'result.json')
    const flags = ['--peers', 'none', '--runs', '1', '--work', work, '--json', json]
    const { stdout } = await run(process.execPath, [SCRIPT, ...args, ...flags], {
      env: { ...this.env, ...env },
    })
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: Result[] }
    return { stdout, results, work }
  }
}

/** The median of one figure of a client's first row. */
export function median(result: Result | undefined, client: string, heading: string): number | undefined {
  return result?.rows.find(row => row.client === client)?.figures[heading]?.median
}
