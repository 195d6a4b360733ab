import { join } from 'node:path'

import type { Client, Job } from '../clients/client.js'
import { tablesnap } from '../clients/tablesnap.js'
import { BenchFailure } from '../failure.js'
import { launch } from '../launch.js'
import type { Site } from '../site.js'
import type { BusyNode } from './node.js'

/** A way to back up the node. */
export interface Backup {
  readonly client: string
  readonly variant: string
  /** Backs the whole node up once. @returns CPU of all that it started, s @throws BenchFailure */
  once(site: Site, node: BusyNode): Promise<number>
}

/** The tag of the snapshots that peers upload. */
const TAG = 'bench'

/** tablesnap beside the node, on the live files. @param flags that differ from the defaults */
function ours(...flags: readonly string[]): Backup {
  const client = tablesnap(undefined, ...flags)
  return {
    client: 'tablesnap',
    variant: flags.length === 0 ? client.variant : flags.join(' '),
    once: (site, node) => run(site, client, site.job(node.data)),
  }
}

/** A peer as people use it: a snapshot of all tables, an upload of it, and its end. */
function afterSnapshot(client: Client): Backup {
  return {
    client: `snapshot + ${client.name}`,
    variant: client.variant,
    async once(site, node) {
      await node.nodetool('snapshot', '-t', TAG, 'bench')
      try {
        return await run(site, client, site.job(join(node.table, 'snapshots', TAG)))
      } finally {
        await node.nodetool('clearsnapshot', '-t', TAG)
      }
    },
  }
}

async function run(site: Site, client: Client, job: Job): Promise<number> {
  const command = client.command('folder', job)
  if (command === undefined) throw new BenchFailure(`${client.name} uploads no folders`)
  const { user, sys } = await launch(command, job.scratch)
  return user + sys
}

/** Every way that is measured. @param rate of `--max-rate`, as tablesnap takes it @param peers at their defaults */
export function backups(rate: string, peers: readonly Client[]): Backup[] {
  return [
    ours(),
    ours('--max-rate', rate),
    ...peers.filter(peer => peer.variant === 'defaults').map(afterSnapshot),
  ]
}
