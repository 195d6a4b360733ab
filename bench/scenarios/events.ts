import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { FILES_OF_SET } from '../data.js'
import { BenchFailure } from '../failure.js'
import { figure } from '../figure.js'
import { interruption } from '../interruption.js'
import { ROOT } from '../places.js'
import { CPU, type Row } from '../result.js'
import { ratios } from '../verdicts.js'
import type { Scenario } from './scenario.js'

const run = promisify(execFile)

/** Sets among whose files the events are. */
const SETS = 2_000

/** Where renames are so fast that events come in bursts. */
const SHARED_MEMORY = '/dev/shm'

/** What a consumer found; CPU of its whole process from the first event to the last, s. */
interface Found {
  readonly user: number
  readonly sys: number
  readonly wall: number
  /** Sets that are dirty at the end. */
  readonly marked: number
}

const CONSUMERS = { addon: 'inotify addon alone', tracker: 'tablesnap' } as const

/** From inotify's record to the set that is marked dirty, against the addon alone. */
export const events: Scenario = async ({ options, say }) => {
  const count = options.count ?? 200_000
  const place = existsSync(SHARED_MEMORY) ? SHARED_MEMORY : options.work
  const folder = mkdtempSync(join(place, 'tablesnap-bench-'))
  try {
    const found = new Map<string, Found[]>()
    for (let turn = 1; turn <= options.runs; turn++) {
      for (const [kind, client] of Object.entries(CONSUMERS)) {
        const one = await consume(join(folder, `${kind}${turn}`), kind, count)
        found.set(client, [...(found.get(client) ?? []), one])
        say(`${turn}/${options.runs} ${client}: ${(one.user + one.sys).toFixed(2)} CPU-s`)
      }
    }
    const rows = [...found].map(([client, all]): Row => {
      const per = (of: (one: Found) => number) =>
        figure(
          all.map(one => (of(one) * 1e6) / count),
          'n',
        )
      return {
        client,
        variant: 'defaults',
        figures: {
          [CPU]: per(({ user, sys }) => user + sys),
          user: per(({ user }) => user),
          sys: per(({ sys }) => sys),
          wall: figure(
            all.map(({ wall }) => wall),
            's',
          ),
        },
      }
    })
    return [
      {
        scenario: 'events',
        title: `events: CPU-us for each of ${count} IN_MOVED_TO`,
        rows,
        verdicts: ratios(rows, [{ over: CONSUMERS.addon, bound: 1.5 }]),
        notes: [`the renames are made by another process, in ${place}; wall is how long that takes`],
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function consume(folder: string, kind: string, count: number): Promise<Found> {
  const folders = ['aside', 'into'].map(name => join(folder, name))
  for (const path of folders) mkdirSync(path, { recursive: true })
  const sets = Math.min(SETS, Math.ceil(count / FILES_OF_SET))
  const script = join(ROOT, 'dist/bench/events/consumer.js')
  const args = [script, kind, ...folders, String(count), String(sets * FILES_OF_SET)]
  const found = JSON.parse((await run(process.execPath, args, { signal: interruption })).stdout) as Found
  if (kind === 'tracker' && found.marked !== sets)
    throw new BenchFailure(`events: ${found.marked} of ${sets} sets are marked`)
  return found
}
