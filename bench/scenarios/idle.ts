import { mkdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

import { Daemon } from '../daemon.js'
import { MIB, figure } from '../figure.js'
import { interruption } from '../interruption.js'
import { CPU } from '../result.js'
import { Site } from '../site.js'
import { atMost } from '../verdicts.js'
import type { Scenario } from './scenario.js'

/** Until V8 has collected the garbage of the start, which it does some 20 s later, and how long nothing happens then, ms. */
const SETTLE = 40_000
const WINDOW = 20_000

const RSS_BOUND = 90 * MIB
const CPU_BOUND = 0.1

/** A daemon that watches many directories in which nothing happens. */
export const idle: Scenario = async ({ options, say }) => {
  const directories = options.count ?? 10_000
  const site = await Site.open(options.work)
  try {
    for (let table = 1; table <= directories; table++)
      mkdirSync(site.path('ks', `t${table}`), { recursive: true })
    const [memory, peaks, shares]: [number[], number[], number[]] = [[], [], []]
    for (let run = 1; run <= options.runs; run++) {
      const daemon = await Daemon.start(site.job(site.path()))
      try {
        await setTimeout(SETTLE, undefined, { signal: interruption })
        const [cpu, began] = [daemon.cpu(), performance.now()]
        await setTimeout(WINDOW, undefined, { signal: interruption })
        shares.push((100_000 * (daemon.cpu() - cpu)) / (performance.now() - began))
        const { now, peak } = daemon.memory()
        memory.push(now)
        peaks.push(peak)
        say(`${run}/${options.runs} idle: ${(now / MIB).toFixed(0)} MiB, ${shares.at(-1)?.toFixed(3)} %`)
      } finally {
        await daemon.stop()
      }
    }
    const figures = {
      [CPU]: figure(shares, '%'),
      RSS: figure(memory, 'bytes'),
      'peak RSS': figure(peaks, 'bytes'),
    }
    return [
      {
        scenario: 'idle',
        title: `idle: watching ${directories} directories in which nothing happens for ${WINDOW / 1000} s`,
        rows: [{ client: 'tablesnap', variant: 'defaults', figures }],
        verdicts: [
          atMost('CPU of one core', figures[CPU].median, CPU_BOUND, '%'),
          atMost('RSS', figures.RSS.median, RSS_BOUND, 'bytes'),
        ],
        notes: ['CPU is the time on a CPU of all threads, to the ns, from the scheduler'],
      },
    ]
  } finally {
    await site.close()
  }
}
