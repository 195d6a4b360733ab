import { setTimeout as sleep } from 'node:timers/promises'

import { tablesnap } from '../clients/tablesnap.js'
import { Daemon } from '../daemon.js'
import { FILES_OF_SET, SET_BYTES, checkSpace, smallTable } from '../data.js'
import { figure } from '../figure.js'
import { interruption } from '../interruption.js'
import { CPU, type Curve, type Result } from '../result.js'
import type { Scenario } from '../scenarios/scenario.js'
import { Site } from '../site.js'
import { Transaction } from '../transaction.js'
import { atMost } from '../verdicts.js'

/** SSTables of the smallest table, and of the largest unless `--count` says otherwise. */
const LEAST = 1_000
const MOST = 10_000

/** A file takes a block of the file system and an inode. */
const DISK_BYTES = 8192

/** Flushes, and compactions of two SSTables, in a minute: half of each. */
const PER_MINUTE = 20

/** How long they are measured, ms, after those of the warm-up. */
const SPAN = 120_000
const WARM_UP = 2

/** Until the restore points of the warm-up are written, ms: they are full ones, which later ones build on. */
const REST = 12_000

const HOUR = 3_600_000

/** The most of a core that the largest table may take, %. */
const BOUND = 1

/** The measured cost of a table of one size. */
interface Cost {
  /** CPU time as a share of one core, %. */
  readonly share: number
  /** Bytes of manifests an hour. */
  readonly manifests: number
  /** Bytes. */
  readonly memory: number
}

/** How what a table costs grows with its SSTables, while some of them change. */
export const tableSize: Scenario = async ({ options, say }) => {
  const sizes = steps(options.count ?? MOST)
  checkSpace(options.work, (sizes.at(-1) ?? MOST) * FILES_OF_SET * DISK_BYTES)
  const costs = new Map<number, Cost[]>(sizes.map(size => [size, []]))
  for (let run = 1; run <= options.runs; run++)
    for (const size of sizes) {
      const cost = await take(options.work, size)
      costs.get(size)?.push(cost)
      say(`${run}/${options.runs} ${size} SSTables: ${cost.share.toFixed(2)} % of a core`)
    }
  return [result(costs)]
}

/** From the least to the most, each about three times the one before. */
function steps(most: number): number[] {
  const sizes: number[] = []
  for (let size = LEAST; size < most * 0.7; size *= Math.sqrt(10)) sizes.push(Math.round(size))
  return [...sizes, most]
}

async function take(work: string, size: number): Promise<Cost> {
  const site = await Site.open(work)
  try {
    const [node, table] = [site.path('node'), site.path('node', 'ks', 't')]
    smallTable(table, size)
    await site.run(tablesnap(), 'folder', site.job(node), size * SET_BYTES)
    const daemon = await Daemon.start(site.job(node))
    try {
      let generation = size
      const one = (): void => {
        generation++
        const inputs = generation % 2 === 0 ? [generation - 1, generation - 2] : []
        new Transaction(table, generation, inputs).run()
      }
      for (let i = 0; i < WARM_UP; i++) one()
      await sleep(REST, undefined, { signal: interruption })
      await site.sink.reset()
      const [cpu, began] = [daemon.cpu(), performance.now()]
      const changes = Math.round((PER_MINUTE * SPAN) / 60_000)
      for (let i = 1; i <= changes; i++) {
        one()
        await sleep(began + (i * SPAN) / changes - performance.now(), undefined, { signal: interruption })
      }
      const used = daemon.cpu() - cpu
      const { objectBytes } = await site.sink.stats()
      return {
        share: (used * 100_000) / (performance.now() - began),
        manifests: (objectBytes - changes * SET_BYTES) * (HOUR / SPAN),
        memory: daemon.memory().now,
      }
    } finally {
      await daemon.stop()
    }
  } finally {
    await site.close()
  }
}

function result(costs: ReadonlyMap<number, readonly Cost[]>): Result {
  const rows = [...costs].map(([size, all]) => ({
    client: 'tablesnap',
    variant: `${size} SSTables`,
    figures: {
      [CPU]: figure(
        all.map(({ share }) => share),
        '%',
      ),
      'manifests an hour': figure(
        all.map(({ manifests }) => manifests),
        'bytes',
      ),
      RSS: figure(
        all.map(({ memory }) => memory),
        'bytes',
      ),
    },
  }))
  const points = [...costs.keys()].map((x, i) => ({ x, y: rows[i]?.figures[CPU] ?? figure([NaN], '%') }))
  const curve: Curve = { x: 'SSTables of the table', y: '% of a core', points }
  const [largest, most] = [rows.at(-1), points.at(-1)?.x ?? 0]
  return {
    scenario: 'scaling',
    title: `scaling: CPU by the SSTables of a table, at ${PER_MINUTE / 2} flushes and ${PER_MINUTE / 2} compactions a minute`,
    rows,
    curve,
    verdicts: [atMost(`of a core with ${most} SSTables`, largest?.figures[CPU].median ?? NaN, BOUND, '%')],
    notes: [
      `${SPAN / 1000} s each, extrapolated to an hour: full manifests, which come once the deltas have taken as much, are not in it`,
    ],
  }
}
