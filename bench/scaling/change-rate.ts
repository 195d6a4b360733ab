import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { Daemon } from '../daemon.js'
import { FILES_OF_SET } from '../data.js'
import { BenchFailure } from '../failure.js'
import { figure } from '../figure.js'
import { interruption } from '../interruption.js'
import { CPU } from '../result.js'
import type { Scenario } from '../scenarios/scenario.js'
import { Site } from '../site.js'
import { Transaction } from '../transaction.js'

/** Sets a second, for how long, ms, and how many at least. */
const RATES = [1, 4, 16, 64]
const SPAN = 8_000
const LEAST = 20

/** Flushes before those that count. */
const WARM_UP = 50

const LIMIT = 120_000

/** How the cost of a file changes with the files that are written in a second. */
export const changeRate: Scenario = async ({ options, say }) => {
  const costs = new Map<number, number[]>(RATES.map(rate => [rate, []]))
  for (let run = 1; run <= options.runs; run++)
    for (const rate of RATES) {
      const cost = await take(options.work, rate)
      costs.get(rate)?.push(cost)
      say(`${run}/${options.runs} ${rate * FILES_OF_SET} files a second: ${cost.toFixed(0)} CPU-us a file`)
    }
  const points = [...costs].map(([rate, all]) => ({ x: rate * FILES_OF_SET, y: figure(all, 'us') }))
  return [
    {
      scenario: 'scaling',
      title: 'scaling: CPU-us a file, by the files that flushes write in a second',
      rows: points.map(({ x, y }) => ({
        client: 'tablesnap',
        variant: `${x} files/s`,
        figures: { [CPU]: y },
      })),
      curve: { x: 'files a second', y: 'CPU-us a file', points },
      verdicts: [],
      notes: ['restore points are in it: their number falls as one holds more of the changes'],
    },
  ]
}

async function take(work: string, rate: number): Promise<number> {
  const site = await Site.open(work)
  try {
    await site.sink.tracing(true)
    const table = site.path('node', 'ks', 't')
    mkdirSync(table, { recursive: true })
    const daemon = await Daemon.start(site.job(site.path('node')))
    try {
      const sets = Math.max(LEAST, Math.round((rate * SPAN) / 1000))
      for (let set = 1; set <= WARM_UP; set++) new Transaction(table, set).run()
      await arrived(site, WARM_UP)
      const before = daemon.cpu()
      const began = performance.now()
      for (let set = 0; set < sets; set++) {
        const pause = began + (set * 1000) / rate - performance.now()
        if (pause > 0) await sleep(pause, undefined, { signal: interruption })
        new Transaction(table, WARM_UP + 1 + set).run()
      }
      await arrived(site, sets)
      return ((daemon.cpu() - before) * 1e6) / (sets * FILES_OF_SET)
    } finally {
      await daemon.stop()
    }
  } finally {
    await site.close()
  }
}

/** Until the files of so many sets more have been answered. */
async function arrived(site: Site, sets: number): Promise<void> {
  const late = AbortSignal.timeout(LIMIT)
  for (let left = sets * FILES_OF_SET; left > 0;) {
    if (late.aborted) throw new BenchFailure(`${left} files are not uploaded after ${LIMIT} ms`)
    await sleep(20, undefined, { signal: interruption })
    for (const { key } of await site.sink.trace()) if (key.startsWith('bench:')) left--
  }
}
