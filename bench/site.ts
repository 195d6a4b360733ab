import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import type { Client, Job, Target, Task } from './clients/client.js'
import { BenchFailure } from './failure.js'
import { figure, type Figure } from './figure.js'
import { launch, type Usage } from './launch.js'
import { Sink, type SinkStats } from './sink.js'

/** The node's name where a scenario needs only one. */
const NODE = 'bench'

/** One run of one client. */
export interface Sample {
  readonly usage: Usage
  readonly sink: SinkStats
}

/** CPU of a whole process, s. */
export function cpu({ usage }: Pick<Sample, 'usage'>): number {
  return usage.user + usage.sys
}

/** Requests of runs, and how many of them were for tablesnap's states and its fence, where there were any. */
export function requests(samples: readonly Sample[]): Record<string, Figure> {
  const all = figure(
    samples.map(({ sink }) => sink.requests),
    'n',
  )
  const states = figure(
    samples.map(({ sink }) => sink.states),
    'n',
  )
  return { requests: all, ...(states.max > 0 ? { 'of them states': states } : {}) }
}

/** Clients on one side of the loopback, the null sink on the other. */
export class Site {
  private constructor(
    readonly sink: Sink,
    /** Everything that is made for the measurement; it goes with {@link close}. */
    readonly folder: string,
  ) {}

  /** @param work an existing folder, on the file system that is measured */
  static async open(work: string, tls = false): Promise<Site> {
    const folder = mkdtempSync(join(work, 'tablesnap-bench-'))
    try {
      return new Site(await Sink.start({ tls, files: join(folder, 'data') }), folder)
    } catch (error) {
      rmSync(folder, { recursive: true })
      throw error
    }
  }

  /** Where data goes that the sink may give back. */
  path(...names: string[]): string {
    return join(this.folder, 'data', ...names)
  }

  get target(): Target {
    return {
      endpoint: this.sink.url,
      bucket: 'bench',
      region: 'us-east-1',
      ca: this.sink.ca,
      credentials: { AWS_ACCESS_KEY_ID: 'benchmark', AWS_SECRET_ACCESS_KEY: 'benchmark' },
    }
  }

  /** @param options what differs from an unsigned upload under the usual name */
  job(source: string, options: Partial<Pick<Job, 'node' | 'signed' | 'prefix'>> = {}): Job {
    const { node = NODE, signed = false, prefix = '' } = options
    const scratch = join(this.folder, 'scratch')
    const into = join(this.folder, 'into')
    rmSync(into, { recursive: true, force: true })
    for (const folder of [scratch, into]) mkdirSync(folder, { recursive: true })
    return { target: this.target, prefix, node, source, into, scratch, signed }
  }

  /**
   * Runs a client once and checks that all bytes went over the wire.
   * @param bytes that it has to send or to fetch, at least
   * @returns undefined when it cannot do that task
   * @throws BenchFailure when it fails, or transferred less
   */
  async run(client: Client, task: Task, job: Job, bytes: number): Promise<Sample | undefined> {
    const command = client.command(task, job)
    if (command === undefined) return undefined
    await this.sink.reset()
    const before = await this.sink.stats()
    const arrived = async () => (await this.sink.stats()).objectBytes >= bytes
    const usage = await launch(command, job.scratch, client.endless === true ? arrived : undefined)
    const after = await this.sink.stats()
    const sink = { ...after, user: (after.user - before.user) / 1e6, sys: (after.sys - before.sys) / 1e6 }
    const moved = task === 'restore' || task === 'restore-folder' ? sink.sent : sink.objectBytes
    if (moved < bytes)
      throw new BenchFailure(`${client.name}: only ${moved} of ${bytes} bytes went over the wire`)
    return { usage, sink }
  }

  async close(): Promise<void> {
    await this.sink.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
