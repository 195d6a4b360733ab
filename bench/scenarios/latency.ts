import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { Daemon } from '../daemon.js'
import { FILES_OF_SET } from '../data.js'
import { BenchFailure } from '../failure.js'
import { figure } from '../figure.js'
import { interruption } from '../interruption.js'
import { CPU } from '../result.js'
import { Site } from '../site.js'
import { Transaction } from '../transaction.js'
import { atMost } from '../verdicts.js'
import type { Scenario } from './scenario.js'

/** Sets of one run that count, after those that warm up workers and connections. */
const SETS = 50
const WARM_UP = 5

/** Between two sets, and the most that one may take, ms. */
const PAUSE = 60
const LIMIT = 30_000

const BOUND = 10

/** From the COMMIT of a transaction log to the answer of a set's last PUT. */
export const latency: Scenario = async ({ options, say }) => {
  const sets = options.count ?? SETS
  const site = await Site.open(options.work)
  try {
    await site.sink.tracing(true)
    const runs: { values: number[]; cpu: number }[] = []
    for (let run = 1; run <= options.runs; run++) {
      const table = site.path(`run${run}`, 'ks', 't')
      mkdirSync(table, { recursive: true })
      const daemon = await Daemon.start(site.job(site.path(`run${run}`)))
      try {
        const values: number[] = []
        for (let set = 1; set <= WARM_UP; set++) await flush(site, table, set)
        const before = daemon.cpu()
        for (let set = 1; set <= sets; set++) values.push(await flush(site, table, WARM_UP + set))
        runs.push({ values, cpu: ((daemon.cpu() - before) * 1000) / sets })
        say(`${run}/${options.runs} latency: ${figure(values, 'ms').median.toFixed(1)} ms`)
      } finally {
        await daemon.stop()
      }
    }
    const medians = figure(
      runs.map(({ values }) => figure(values, 'ms').median),
      'ms',
    )
    const all = runs.flatMap(({ values }) => values).sort((a, b) => a - b)
    const figures = {
      median: medians,
      '95 %': figure(
        runs.map(({ values }) => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? NaN),
        'ms',
      ),
      least: figure([all[0] ?? NaN], 'ms'),
      most: figure([all.at(-1) ?? NaN], 'ms'),
      [`${CPU} per set`]: figure(
        runs.map(({ cpu }) => cpu),
        'ms',
      ),
    }
    return [
      {
        scenario: 'latency',
        title: `latency: ms from COMMIT to the answer of the last PUT, ${sets} sets of ${FILES_OF_SET} files, one after the other`,
        rows: [{ client: 'tablesnap', variant: 'defaults', figures }],
        verdicts: [atMost('median', medians.median, BOUND, 'ms')],
        notes: [`after ${WARM_UP} sets that are not counted`],
      },
    ]
  } finally {
    await site.close()
  }
}

/** Writes a set as a flush does. @returns ms until all of its files were answered */
async function flush(site: Site, table: string, generation: number): Promise<number> {
  const transaction = new Transaction(table, generation)
  const keys = new Set(transaction.write().map(name => `bench:${join(table, name)}`))
  await site.sink.trace()
  const began = process.hrtime.bigint()
  transaction.commit()
  const late = AbortSignal.timeout(LIMIT)
  let last = began
  // The log goes only afterwards: that COMMIT alone says that the set is complete is what is measured.
  while (keys.size > 0) {
    if (late.aborted) throw new BenchFailure(`after ${LIMIT} ms ${[...keys].join(', ')} is not uploaded`)
    await setTimeout(10, undefined, { signal: interruption })
    for (const { at, key } of await site.sink.trace()) {
      if (keys.delete(key) && at > last) last = at
    }
  }
  transaction.end()
  await setTimeout(PAUSE, undefined, { signal: interruption })
  return Number(last - began) / 1e6
}
