import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { checkSpace } from '../data.js'
import { BenchFailure } from '../failure.js'
import { GIB, figure, show, type Figure } from '../figure.js'
import { interruption } from '../interruption.js'
import { backups, type Backup } from '../neighbour/backups.js'
import { bytesRead } from '../neighbour/disk.js'
import { percentile, type LoadReport } from '../neighbour/load-plan.js'
import { MemoryShare } from '../neighbour/memory-share.js'
import { BusyNode } from '../neighbour/node.js'
import type { Row, Verdict } from '../result.js'
import { Site } from '../site.js'
import { atMost } from '../verdicts.js'
import type { Scenario } from './scenario.js'
import { placeNotes } from './upload.js'

/** Requests a second, and how long a turn sends those that count. */
const RATE = 250
const SECONDS = 18

/** How long the load runs alone at the start of a turn, ms: requests of that time do not count. */
const WARM_UP = 3000

/** Between two turns, ms. */
const PAUSE = 2000

/** The share of the data set that fits into the page cache. */
const SHARE = 0.5

/** Memory of Cassandra, the load, the sink and a backup without the page cache, bytes. */
const OWN = 2.5 * GIB

/** The rate of the second variant of tablesnap. */
const MAX_RATE = '100M'

/** The most that tablesnap may move p99, as a ratio to that without a backup. */
const BOUND = 1.03

/** One turn: what the load saw, and what the backup did meanwhile. */
interface Turn {
  readonly latencies: readonly number[]
  readonly failed: number
  readonly cpu: number
  readonly bytes: number
  readonly backups: number
  /** Bytes read from the disk. */
  readonly diskReads: number
  /** Change of the bytes of data files in the page cache. */
  readonly resident: number
}

/**
 * Measures how a backup changes the latency of a Cassandra on the same machine. A load of a fixed rate runs in turns: without a
 * backup, with tablesnap, and with each peer. The page cache holds half of the data set.
 */
export const neighbour: Scenario = async ({ options, peers, say }) => {
  checkSpace(options.work, 4 * options.size)
  mkdirSync(options.work, { recursive: true })
  const share = MemoryShare.enter(OWN + SHARE * options.size)
  const site = await Site.open(options.work)
  let node: BusyNode | undefined
  try {
    say(`writing a data set of ${show(options.size, 'bytes')}`)
    node = await BusyNode.start(site.path('cassandra'), options.size)
    const variants: (Backup | undefined)[] = [undefined, ...backups(MAX_RATE, peers)]
    const turns = variants.map((): Turn[] => [])
    const notes: string[] = []
    for (let round = 1; round <= options.runs; round++)
      for (const [i, backup] of variants.entries()) {
        if (backup !== undefined && turns[i]?.length !== round - 1) continue
        try {
          const turn = await take(site, node, backup, round)
          turns[i]?.push(turn)
          say(`${round}/${options.runs} ${nameOf(backup)}: p99 ${p(turn, 99).toFixed(1)} ms`)
        } catch (error) {
          if (!(error instanceof BenchFailure) || backup === undefined) throw error
          notes.push(`${nameOf(backup)} failed: ${error.message.slice(-600)}`)
        }
      }
    const rows = variants.flatMap((backup, i): Row[] =>
      turns[i]?.length === options.runs ? [rowOf(backup, turns[i], turns[0] ?? [])] : [],
    )
    return [
      {
        scenario: 'neighbour',
        title: `neighbour: ms to the answer of a request to Cassandra, ${RATE} a second, beside a backup of ${show(node.size, 'bytes')}`,
        rows,
        verdicts: verdicts(rows),
        notes: [
          ...placeNotes(options.work),
          share === undefined
            ? 'memory is not limited (no control groups): all of the data set may be in the page cache'
            : `memory with the page cache is limited to ${show(OWN + SHARE * options.size, 'bytes')}`,
          'backups follow one another without a pause, each of the whole node; latency counts from when a request was due',
          ...notes,
        ],
      },
    ]
  } finally {
    await node?.stop()
    await site.close()
    share?.leave()
  }
}

async function take(site: Site, node: BusyNode, backup: Backup | undefined, seed: number): Promise<Turn> {
  await site.sink.forget()
  await site.sink.reset()
  const before = await node.resident()
  const read = bytesRead(site.folder) ?? 0
  const began = performance.now()
  const load = node.load({ rate: RATE, warmUp: WARM_UP, seconds: SECONDS, seed })
  const work = backup === undefined ? undefined : repeat(site, node, backup, began)
  const [report, done] = await Promise.all([load, work])
  const turn = {
    latencies: sorted(report),
    failed: report.failed,
    cpu: done?.cpu ?? 0,
    backups: done?.count ?? 0,
    bytes: (await site.sink.stats()).objectBytes,
    diskReads: (bytesRead(site.folder) ?? 0) - read,
    resident: (await node.resident()) - before,
  }
  await sleep(PAUSE, undefined, { signal: interruption })
  return turn
}

/** One backup after the other while the load's requests count. */
async function repeat(
  site: Site,
  node: BusyNode,
  backup: Backup,
  began: number,
): Promise<{ cpu: number; count: number }> {
  await sleep(WARM_UP, undefined, { signal: interruption })
  let [cpu, count] = [0, 0]
  while (performance.now() - began < WARM_UP + SECONDS * 1000) {
    cpu += await backup.once(site, node)
    count++
    await site.sink.forget()
  }
  return { cpu, count }
}

function sorted({ reads, writes }: LoadReport): number[] {
  return [...reads, ...writes].sort((a, b) => a - b)
}

const p = ({ latencies }: Turn, percent: number): number => percentile(latencies, percent)

function nameOf(backup: Backup | undefined): string {
  return backup === undefined ? 'no backup' : `${backup.client} (${backup.variant})`
}

function rowOf(backup: Backup | undefined, turns: readonly Turn[], alone: readonly Turn[]): Row {
  const of = (value: (turn: Turn, i: number) => number, unit: Figure['unit']) =>
    figure(turns.map(value), unit)
  return {
    client: backup?.client ?? 'no backup',
    variant: backup?.variant ?? '',
    figures: {
      p99: of(turn => p(turn, 99), 'ms'),
      'p99, ratio in the round': of((turn, i) => p(turn, 99) / p(alone[i] ?? turn, 99), 'n'),
      p50: of(turn => p(turn, 50), 'ms'),
      'p99.9': of(turn => p(turn, 99.9), 'ms'),
      failed: of(({ failed }) => failed, 'n'),
      'answered a second': of(({ latencies }) => latencies.length / SECONDS, 'n'),
      'bytes moved': of(({ bytes }) => bytes, 'bytes'),
      'read from the disk': of(({ diskReads }) => diskReads, 'bytes'),
      'CPU of the backup': of(({ cpu }) => cpu, 's'),
      'page cache of the data files': of(({ resident }) => resident, 'bytes'),
    },
  }
}

function verdicts(rows: readonly Row[]): Verdict[] {
  const ratio = 'p99, ratio in the round'
  const own = rows.filter(({ client }) => client === 'tablesnap')
  return own.map(({ variant, figures }) =>
    atMost(
      `p99 beside tablesnap (${variant}) to that without a backup`,
      figures[ratio]?.median ?? NaN,
      BOUND,
      'ratio',
    ),
  )
}
