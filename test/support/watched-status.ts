import type { Test } from 'tap'

import type { Status } from '../../src/status/status.js'

import { Cli } from './cli.js'
import { until, type TestNode } from './node.js'
import { expectNoSecret } from './secret.js'

/** A daemon that serves its status, and how to ask it. */
export class WatchedStatus {
  private constructor(
    readonly daemon: Cli,
    /** `http://127.0.0.1:<port>`. */
    readonly origin: string,
  ) {}

  /** Starts a daemon that backs up what exists and watches. @param flags further ones */
  static async start(t: Test, node: TestNode, flags: readonly string[] = []): Promise<WatchedStatus> {
    const all = ['-r', '-a', '-B', '--watch', '--metrics-listen', '127.0.0.1:0', ...flags]
    const daemon = await node.watch(t, all)
    await daemon.seen(/status page are on/)
    const [, origin = ''] = /status page are on (http:\S+)\//.exec(daemon.stderr) ?? []
    return new WatchedStatus(daemon, origin)
  }

  async get(path: string): Promise<{ status: number; body: string; headers: Headers }> {
    const answer = await fetch(`${this.origin}${path}`)
    const body = await answer.text()
    expectNoSecret(body, path)
    return { status: answer.status, body, headers: answer.headers }
  }

  async status(): Promise<Status> {
    return JSON.parse((await this.get('/status.json')).body) as Status
  }

  /** Waits until the status is as wanted. */
  async when(wanted: (status: Status) => boolean, timeout = 60_000): Promise<Status> {
    let status = await this.status()
    await until(
      async () => wanted((status = await this.status())),
      timeout,
      () => `the status is ${JSON.stringify(status, null, 1)}`,
    )
    return status
  }
}

/** Runs `tablesnap --status`. */
export async function askStatus(
  args: readonly string[],
): Promise<{ code: number | string; text: string; log: string }> {
  const cli = new Cli(['--status', ...args])
  const code = await cli.exit
  return { code, text: cli.stdout, log: cli.stderr }
}
