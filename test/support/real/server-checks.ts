import { randomBytes } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Table } from '../table.js'
import type { Tablesnap, Way } from './tablesnap.js'
import { digests } from './tree.js'

const MEBIBYTE = 1024 * 1024

/** SSTables of eight files each: 2,000 objects. */
const MANY = 250

/** Ends a backup well before it is through with a large file. */
const RATE = '2M'

/** One thing that has to work on every S3 server; each builds on the ones before. @throws whatever is wrong */
export type Check = (yard: ServerYard) => Promise<void>

/** A node's data directory, a server, and the program between them. */
export class ServerYard {
  readonly data: string
  readonly table: Table
  #targets = 0

  constructor(
    readonly tablesnap: Tablesnap,
    readonly way: Way,
    readonly directory: string,
  ) {
    this.data = join(directory, 'data')
    this.table = new Table(join(this.data, 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'))
  }

  /** Runs -B and gives its log. */
  async backUp(...flags: readonly string[]): Promise<string> {
    const all = [
      '-r',
      '-B',
      '--settle',
      '100',
      '--max-upload-size',
      '5',
      '--multipart-chunk-size',
      '5',
      ...flags,
    ]
    return (await this.tablesnap.succeed(...all, 'backups', this.data)).stderr
  }

  /** Restores all, and compares every byte. */
  async isRestored(): Promise<void> {
    const target = this.target()
    await this.tablesnap.succeed('-D', '--no-progress', 'backups', target)
    await isSame(this.data, join(target, this.data))
  }

  target(): string {
    const target = join(this.directory, `target${++this.#targets}`)
    mkdirSync(target)
    return target
  }
}

export const CHECKS: Readonly<Record<string, Check>> = {
  backup: async yard => {
    yard.table.set('nb-1-big').set('nb-2-big', { bytes: 11 * MEBIBYTE })
    await yard.backUp()
  },
  'second run sends nothing': async yard => {
    expect(await yard.backUp(), /Uploaded 0 files/)
  },
  'rewritten file': async yard => {
    yard.table.replace('nb-1-big-Statistics.db', randomBytes(333))
    expect(await yard.backUp(), /Uploaded 1 file\b/)
    await yard.isRestored()
  },
  'same-size rewrite': async yard => {
    const statistics = join(yard.table.path, 'nb-2-big-Statistics.db')
    yard.table.replace('nb-2-big-Statistics.db', randomBytes(statSync(statistics).size))
    expect(await yard.backUp(), /Uploaded 1 file\b/)
    await yard.isRestored()
  },
  'kill -9 and resume': async yard => {
    yard.table.set('nb-3-big', { bytes: 30 * MEBIBYTE })
    const flags = ['-v', '-r', '-B', '--settle', '100', '--max-upload-size', '5', '--max-rate', RATE]
    const run = await yard.tablesnap.start(...flags, 'backups', yard.data)
    await run.printed(/Uploading \S+nb-3-big-Data.db/, 120_000)
    await sleep(6_000)
    if (!run.running) throw new Error(`it ended before it was killed: ${run.output()}`)
    await run.stop('SIGKILL')
    await yard.backUp()
    await yard.isRestored()
  },
  '--list': async yard => {
    const { stdout } = await yard.tablesnap.succeed('--list', 'backups')
    expect(stdout, /^ks\.t .*\n.* complete +3 SSTables /m)
  },
  '--list-nodes with 2,000 objects': async yard => {
    const many = new Table(join(yard.data, 'ks/many-1a1b2c3d4e5f60718293a4b5c6d7e8f9'))
    for (let n = 1; n <= MANY; n++) many.set(`nb-${n}-big`)
    expect(await yard.backUp(), new RegExp(`Uploaded ${MANY * 8} files`))
    const { stdout } = await yard.tablesnap.succeed('--list-nodes', 'backups')
    expect(stdout, /^node1$/m)
  },
  '-D': yard => yard.isRestored(),
  tableslurp: async yard => {
    const target = yard.target()
    await yard.tablesnap.slurp('--no-progress', 'backups', yard.table.path, target)
    await isSame(yard.table.path, target)
  },
}

function expect(text: string, pattern: RegExp): void {
  if (pattern.test(text)) return
  const lines = text.split('\n').filter(line => !/ (?:DEBUG .*|INFO Uploaded \S+:) /.test(line))
  throw new Error(`no ${String(pattern)} in: ${lines.slice(-6).join(' | ')}`)
}

async function isSame(origin: string, copy: string): Promise<void> {
  const [wanted, found] = await Promise.all([digests(origin), digests(copy)])
  for (const [path, digest] of wanted)
    if (found.get(path) !== digest) throw new Error(`${path} is ${found.has(path) ? 'another' : 'missing'}`)
  if (found.size !== wanted.size) throw new Error(`${found.size} files in place of ${wanted.size}`)
}

/** Writes a table of what each server did, as text; a failure has the number of a line below. */
export function reportOf(results: ReadonlyMap<string, ReadonlyMap<string, string | undefined>>): string[] {
  const failures: string[] = []
  const rows = [...results].map(([server, checks]) => {
    const cells = [...checks.values()].map(failure =>
      failure === undefined ? 'ok' : `fault ${failures.push(failure)}`,
    )
    return `| ${server} | ${cells.join(' | ')} |`
  })
  const names = Object.keys(CHECKS)
  return [
    `| server | ${names.join(' | ')} |`,
    `|${' --- |'.repeat(names.length + 1)}`,
    ...rows,
    ...failures.map((failure, index) => `fault ${index + 1}: ${failure}`),
  ]
}
