import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

import type { KeyLayout } from '../manifest/keys.js'
import type { S3Settings } from '../s3/settings.js'

/** The abstract sockets of the machine, one a line, the name last and with @ for its NUL. @source proc_net_unix, net/unix/af_unix.c */
const SOCKETS = '/proc/self/net/unix'

/** The name of the abstract sockets of what runs under a node's name on this machine: the node is a record in a bucket. */
export function socketOf({ endpoint, bucket }: S3Settings, keys: KeyLayout): string {
  const id = createHash('sha256')
    .update([endpoint ?? '', bucket, keys.node].join('\0'))
    .digest('hex')
  return `tablesnap-${id}`
}

/**
 * The runs of this machine that back up under one node's name: a daemon, and any number of -B beside it. Each holds an abstract socket, which ends with
 * its process, however that ends. Runs in another network namespace do not see each other.
 */
export class LivingRuns {
  readonly #prefix: string
  readonly #own: string
  #server: Server | undefined

  constructor(settings: S3Settings, keys: KeyLayout) {
    this.#prefix = `${socketOf(settings, keys)}-run-`
    this.#own = this.#prefix + randomBytes(8).toString('hex')
  }

  /** Shows this run to the others. A failure is ignored: the kernel has no abstract sockets then, and others cannot be seen, either. */
  async announce(): Promise<void> {
    const server = createServer()
    await new Promise<void>(resolve => {
      server.once('error', () => resolve())
      server.listen({ path: `\0${this.#own}` }, resolve)
    })
    this.#server = server.unref()
  }

  /** Whether another run of the node lives, or may live as nobody can tell. */
  hasOthers(): boolean {
    try {
      return readFileSync(SOCKETS, 'latin1')
        .split('\n')
        .some(line => line.includes(` @${this.#prefix}`) && !line.includes(this.#own))
    } catch {
      return true
    }
  }

  close(): void {
    this.#server?.close()
  }
}
