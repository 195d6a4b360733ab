import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { RealBucket, ownPrefix } from '../bucket.js'
import type { Client, Job, Target } from '../clients/client.js'
import { tablesnap } from '../clients/tablesnap.js'
import { BenchFailure } from '../failure.js'
import { GIB, figure, show } from '../figure.js'
import { launch, type Usage } from '../launch.js'
import type { Options } from '../options.js'
import { CPU, type Row } from '../result.js'
import type { Scenario } from './scenario.js'

/** What can be measured on a real bucket. */
const MODES: Readonly<Record<string, { restores: boolean; signed: boolean }>> = {
  upload: { restores: false, signed: false },
  'upload-signed': { restores: false, signed: true },
  restore: { restores: true, signed: false },
}

/** For operators: their own files, their own bucket; all that is written there is deleted again. */
export const real: Scenario = async ({ options, peers, say }) => {
  const mode = MODES[options.scenario]
  if (mode === undefined)
    throw new BenchFailure(`on a real bucket there are ${Object.keys(MODES).join(', ')}`)
  const target = targetOf(options)
  const source = resolve(options.real?.path ?? '')
  const bytes = bytesBelow(source)
  const bucket = new RealBucket(target)
  const folder = mkdtempSync(join(options.work, 'tablesnap-bench-'))
  const prefix = ownPrefix()
  const base = { target, source, scratch: join(folder, 'scratch'), into: join(folder, 'into'), node: 'bench' }
  const job: Job = { ...base, prefix, signed: mode.signed }
  try {
    if (mode.restores) await once(tablesnap(), { ...job, signed: false }, 'folder')
    const found = new Map<Client, Usage[]>()
    const notes = [`everything was written under ${prefix} and deleted`, 'start-up is part of each run']
    const left = new Set([tablesnap(), ...peers])
    for (let run = 1; run <= options.runs; run++) {
      for (const client of left) {
        const own = mode.restores ? job : { ...job, prefix: `${prefix}${found.size}-${run}/` }
        try {
          const usage = await once(client, own, mode.restores ? 'restore-folder' : 'folder')
          if (usage === undefined) {
            left.delete(client)
            continue
          }
          const moved = mode.restores ? bytesBelow(job.into) : await bucket.bytes(own.prefix)
          if (moved < bytes)
            throw new BenchFailure(`${moved} of ${bytes} bytes arrived; do the files stay as they are?`)
          say(
            `${run}/${options.runs} ${client.name} (${client.variant}): ${(usage.user + usage.sys).toFixed(2)} CPU-s`,
          )
          found.set(client, [...(found.get(client) ?? []), usage])
        } catch (error) {
          if (!(error instanceof BenchFailure) || client.name === 'tablesnap') throw error
          notes.push(`${client.name} (${client.variant}) failed: ${error.message.slice(-600)}`)
          found.delete(client)
          left.delete(client)
        } finally {
          if (!mode.restores) await bucket.clear(own.prefix)
        }
      }
    }
    const title = `${options.scenario} on a real bucket: CPU-s per GiB of ${show(bytes, 'bytes')} below ${source}`
    return [{ scenario: options.scenario, title, rows: rowsOf(found, bytes), verdicts: [], notes }]
  } finally {
    await bucket.clear(prefix)
    await bucket.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function once(client: Client, job: Job, task: 'folder' | 'restore-folder'): Promise<Usage | undefined> {
  rmSync(job.into, { recursive: true, force: true })
  for (const folder of [job.into, job.scratch]) mkdirSync(folder, { recursive: true })
  const command = client.command(task, job)
  return command === undefined ? undefined : launch(command, job.scratch)
}

function rowsOf(found: ReadonlyMap<Client, readonly Usage[]>, bytes: number): Row[] {
  return [...found].map(([{ name, variant }, all]) => ({
    client: name,
    variant,
    figures: {
      [CPU]: figure(
        all.map(({ user, sys }) => ((user + sys) * GIB) / bytes),
        's/GiB',
      ),
      user: figure(
        all.map(({ user }) => (user * GIB) / bytes),
        's/GiB',
      ),
      sys: figure(
        all.map(({ sys }) => (sys * GIB) / bytes),
        's/GiB',
      ),
      wall: figure(
        all.map(({ wall }) => wall),
        's',
      ),
      'peak RSS': figure(
        all.map(({ rss }) => rss),
        'bytes',
      ),
    },
  }))
}

function targetOf({ real: given }: Options): Target {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, NODE_EXTRA_CA_CERTS } = process.env
  if (given === undefined || AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined)
    throw new BenchFailure(
      'a real bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
    )
  const { endpoint, bucket, region } = given
  const token = AWS_SESSION_TOKEN === undefined ? {} : { AWS_SESSION_TOKEN }
  const credentials = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...token }
  const ca = endpoint?.startsWith('http:') === true ? undefined : NODE_EXTRA_CA_CERTS
  return { endpoint, bucket, region, ca, credentials }
}

function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry =>
    entry.isFile(),
  )
  return entries.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
