import { setTimeout as sleep } from 'node:timers/promises'

import { tablesnap } from '../clients/tablesnap.js'
import { Daemon } from '../daemon.js'
import { FILES_OF_SET, SET_BYTES, checkSpace, smallTable } from '../data.js'
import { BenchFailure } from '../failure.js'
import { figure } from '../figure.js'
import { interruption } from '../interruption.js'
import { CPU, type Curve, type Result } from '../result.js'
import type { Scenario } from '../scenarios/scenario.js'
import { Site } from '../site.js'
import { atMost } from '../verdicts.js'

import { change } from './changes.js'

/** SSTables of the smallest table, and of the largest unless `--count` says otherwise. */
const LEAST = 1_000
const MOST = 10_000

/** A file takes a block of the file system and an inode. */
const DISK_BYTES = 8192

/** Flushes and compactions of two that are measured, after those of the warm-up. */
const CHANGES = 100
const WARM_UP = 10

/** Of each kind in a minute: what the share of a core and the bytes are given for. */
const PER_MINUTE = 10

const LIMIT = 60_000

/** The most of a core that the largest table may take, %. */
const BOUND = 1

/** One table size: per change, and as it is at the end. */
interface Cost {
  readonly cpu: number
  readonly manifest: number
  readonly memory: number
}

/** How the cost of a change grows with the SSTables of its table. */
export const tableSize: Scenario = async ({ options, say }) => {
  const sizes = steps(options.count ?? MOST)
  checkSpace(options.work, (sizes.at(-1) ?? MOST) * FILES_OF_SET * DISK_BYTES)
  const costs = new Map<number, Cost[]>(sizes.map(size => [size, []]))
  for (let run = 1; run <= options.runs; run++)
    for (const size of sizes) {
      const cost = await take(options.work, size)
      costs.get(size)?.push(cost)
      say(
        `${run}/${options.runs} ${size} SSTables: ${cost.cpu.toFixed(1)} CPU-ms, ${cost.manifest.toFixed(0)} bytes a change`,
      )
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
      const one = async (): Promise<void> => {
        const before = (await site.sink.stats()).states
        change(table, ++generation, generation % 2 === 0 ? [generation - 1, generation - 2] : [])
        await stated(site, before)
      }
      for (let i = 0; i < WARM_UP; i++) await one()
      await site.sink.reset()
      const before = daemon.cpu()
      for (let i = 0; i < CHANGES; i++) await one()
      const { objectBytes } = await site.sink.stats()
      return {
        cpu: ((daemon.cpu() - before) * 1000) / CHANGES,
        manifest: objectBytes / CHANGES - SET_BYTES,
        memory: daemon.memory().now,
      }
    } finally {
      await daemon.stop()
    }
  } finally {
    await site.close()
  }
}

/** Until the restore point of a change is written. */
async function stated(site: Site, before: number): Promise<void> {
  const late = AbortSignal.timeout(LIMIT)
  while ((await site.sink.stats()).states === before) {
    if (late.aborted) throw new BenchFailure(`no restore point after ${LIMIT} ms`)
    await sleep(5, undefined, { signal: interruption })
  }
}

function result(costs: ReadonlyMap<number, readonly Cost[]>): Result {
  const share = ({ cpu }: Cost): number => (cpu * 2 * PER_MINUTE * 100) / 60_000
  const hourly = ({ manifest }: Cost): number => manifest * 2 * PER_MINUTE * 60
  const rows = [...costs].map(([size, all]) => ({
    client: 'tablesnap',
    variant: `${size} SSTables`,
    figures: {
      [CPU]: figure(
        all.map(({ cpu }) => cpu),
        'ms',
      ),
      'of a core': figure(all.map(share), '%'),
      'manifests an hour': figure(all.map(hourly), 'bytes'),
      RSS: figure(
        all.map(({ memory }) => memory),
        'bytes',
      ),
    },
  }))
  const points = [...costs].map(([size, all]) => ({
    x: size,
    y: figure(
      all.map(({ cpu }) => cpu),
      'ms',
    ),
  }))
  const curve: Curve = { x: 'SSTables of the table', y: 'CPU-ms a change', points }
  const [largest, most] = [rows.at(-1), points.at(-1)?.x ?? 0]
  return {
    scenario: 'scaling',
    title: `scaling: CPU-ms for a flush, or a compaction of two, with its restore point, by the SSTables of the table`,
    rows,
    curve,
    verdicts: [
      atMost(
        `share of a core with ${most} SSTables`,
        largest?.figures['of a core'].median ?? NaN,
        BOUND,
        '%',
      ),
    ],
    notes: [
      `share and bytes are those of ${PER_MINUTE} flushes and ${PER_MINUTE} compactions a minute; each change waits for the restore point of the one before`,
    ],
  }
}
