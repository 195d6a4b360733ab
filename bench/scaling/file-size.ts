import { rmSync } from 'node:fs'

import { tablesnap } from '../clients/tablesnap.js'
import { bigTable, checkSpace } from '../data.js'
import { GIB, MIB, figure, show, slope } from '../figure.js'
import { CPU } from '../result.js'
import type { Scenario } from '../scenarios/scenario.js'
import { Site, cpu } from '../site.js'

/** Bytes of a file, each 16 times the one before. */
const SIZES = [16 * 1024, 256 * 1024, 4 * MIB, 64 * MIB, GIB]

/** Files of one size at most, and what a run has less of than the next, as a factor. */
const MOST_FILES = 4_000
const FACTOR = 4

/** How the cost of a byte changes with the size of its file. */
export const fileSize: Scenario = async ({ options, say }) => {
  const sizes = SIZES.filter(size => size <= options.size / 2)
  checkSpace(options.work, 2 * options.size)
  const costs = new Map<number, number[]>(sizes.map(size => [size, []]))
  const site = await Site.open(options.work)
  try {
    for (const size of sizes) {
      const many = Math.min(MOST_FILES, Math.floor(options.size / size))
      const few = Math.max(1, Math.floor(many / FACTOR))
      for (const [name, count] of [
        ['few', few],
        ['many', many],
      ] as const)
        for (let table = 1; table <= count; table++) bigTable(site.path(name, 'ks', `t${table}`), size)
      for (let run = 1; run <= options.runs; run++) {
        const used: { size: number; value: number }[] = []
        for (const [name, count] of [
          ['few', few],
          ['many', many],
        ] as const) {
          await site.sink.forget()
          const sample = await site.run(tablesnap(), 'folder', site.job(site.path(name)), count * size)
          used.push({ size: (count * size) / GIB, value: sample === undefined ? NaN : cpu(sample) })
        }
        const [small, large] = used
        if (small === undefined || large === undefined) continue
        const cost = slope(small, large)
        costs.get(size)?.push(cost)
        say(`${run}/${options.runs} files of ${label(size)}: ${cost.toFixed(2)} CPU-s/GiB`)
      }
      for (const name of ['few', 'many']) rmSync(site.path(name), { recursive: true })
    }
  } finally {
    await site.close()
  }
  const points = [...costs].map(([size, all]) => ({ x: size, y: figure(all, 's/GiB') }))
  return [
    {
      scenario: 'scaling',
      title: 'scaling: CPU-s/GiB, by the size of a file',
      rows: points.map(({ x, y }) => ({ client: 'tablesnap', variant: label(x), figures: { [CPU]: y } })),
      curve: { x: 'bytes of a file', y: 'CPU-s/GiB', points },
      verdicts: [],
      notes: [
        `slope between a ${FACTOR}th of the files and all of them, at most ${MOST_FILES}; each is an SSTable and a table of its own, with its restore point`,
      ],
    },
  ]
}

function label(bytes: number): string {
  return bytes < MIB ? `${bytes / 1024} KiB` : show(bytes, 'bytes')
}
