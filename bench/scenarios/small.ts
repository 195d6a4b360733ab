import { tablesnap } from '../clients/tablesnap.js'
import { FILES_OF_SET, SET_BYTES, checkSpace, smallTable } from '../data.js'
import { figure, slope } from '../figure.js'
import { CPU, type Row } from '../result.js'
import { measure, type Series, type Step } from '../series.js'
import { Site, cpu, requests, type Sample } from '../site.js'
import { ratios } from '../verdicts.js'
import type { Scenario } from './scenario.js'

const BOUNDS = [
  { over: 's5cmd', bound: 0.5 },
  { over: 'lib-storage', bound: 1 / 3 },
]

/** The larger table in smaller ones. */
const FACTOR = 8

/** A file takes a block of the file system and an inode. */
const DISK_BYTES = 8192

/** Many small files: CPU for each, as the slope between an eighth of the sets and all of them. */
export const small: Scenario = async ({ options, peers, say }) => {
  const many = options.count ?? 10_000
  const few = Math.max(1, Math.round(many / FACTOR))
  checkSpace(options.work, (many + few) * FILES_OF_SET * DISK_BYTES)
  const site = await Site.open(options.work)
  try {
    const steps = Object.entries({ few, many }).map(([name, sets]): Step => {
      const source = site.path(name)
      smallTable(site.path(name, 'ks', 't'), sets)
      return { name, task: 'folder', source, bytes: sets * SET_BYTES, before: () => site.sink.forget() }
    })
    const { series, notes } = await measure(site, [tablesnap(), ...peers], steps, options.runs, say)
    const rows = series.map(one => row(one, few * FILES_OF_SET, many * FILES_OF_SET))
    return [
      {
        scenario: 'small',
        title: `small: CPU-us per file, slope between ${few * FILES_OF_SET} and ${many * FILES_OF_SET} files in sets of ${FILES_OF_SET}`,
        rows,
        verdicts: ratios(rows, BOUNDS),
        notes: ['wall, RSS and requests are those of the larger number', ...notes],
      },
    ]
  } finally {
    await site.close()
  }
}

function row({ client, samples }: Series, few: number, many: number): Row {
  const [small, large] = [samples.get('few') ?? [], samples.get('many') ?? []]
  const perFile = (of: (sample: Sample) => number) =>
    figure(
      large.map((sample, run) => {
        const other = small[run] ?? sample
        return 1e6 * slope({ size: few, value: of(other) }, { size: many, value: of(sample) })
      }),
      'us',
    )
  return {
    client: client.name,
    variant: client.variant,
    figures: {
      [CPU]: perFile(cpu),
      user: perFile(({ usage }) => usage.user),
      sys: perFile(({ usage }) => usage.sys),
      'sink CPU': perFile(({ sink }) => sink.user + sink.sys),
      wall: figure(
        large.map(({ usage }) => usage.wall),
        's',
      ),
      'peak RSS': figure(
        large.map(({ usage }) => usage.rss),
        'bytes',
      ),
      ...requests(large),
    },
  }
}
