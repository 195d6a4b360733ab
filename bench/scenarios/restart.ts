import { tablesnap } from '../clients/tablesnap.js'
import { FILES_OF_SET, SET_BYTES, checkSpace, smallTable } from '../data.js'
import { figure } from '../figure.js'
import { CPU } from '../result.js'
import { measure, type Step } from '../series.js'
import { Site, cpu, requests } from '../site.js'
import type { Scenario } from './scenario.js'

/** Sets of one table. */
const TABLE = 500

/** A file takes a block of the file system and an inode. */
const DISK_BYTES = 8192

/** Everything is in the bucket already: what it costs to find that out. */
export const restart: Scenario = async ({ options, peers, say }) => {
  const objects = options.count ?? 100_000
  const sets = Math.max(1, Math.round(objects / FILES_OF_SET))
  checkSpace(options.work, sets * FILES_OF_SET * DISK_BYTES)
  const site = await Site.open(options.work)
  try {
    const source = site.path('node')
    for (let first = 1, table = 1; first <= sets; first += TABLE, table++)
      smallTable(site.path('node', 'ks', `t${table}`), Math.min(TABLE, sets - first + 1), first)
    const fill: Step = { name: 'fill', task: 'sync', source, bytes: sets * SET_BYTES, apart: true }
    const again: Step = { name: 'again', task: 'sync', source, bytes: 0, apart: true }
    const filled = await measure(site, [tablesnap(), ...peers], [fill], 1, say)
    const clients = filled.series.map(({ client }) => client)
    const { series, notes } = await measure(site, clients, [again], options.runs, say)
    const rows = series.map(({ client, samples }) => {
      const all = samples.get('again') ?? []
      return {
        client: client.name,
        variant: client.variant,
        figures: {
          [CPU]: figure(all.map(cpu), 's'),
          wall: figure(
            all.map(({ usage }) => usage.wall),
            's',
          ),
          'peak RSS': figure(
            all.map(({ usage }) => usage.rss),
            'bytes',
          ),
          ...requests(all),
          'sent again': figure(
            all.map(({ sink }) => sink.objectBytes),
            'bytes',
          ),
        },
      }
    })
    return [
      {
        scenario: 'restart',
        title: `restart: CPU-s of a run that finds all ${sets * FILES_OF_SET} files in the bucket`,
        rows,
        verdicts: [],
        notes: ['peers by their own sync, by size only', ...filled.notes, ...notes],
      },
    ]
  } finally {
    await site.close()
  }
}
