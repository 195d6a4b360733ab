import { floor } from '../clients/floor.js'
import { tablesnap } from '../clients/tablesnap.js'
import { bigTable, checkSpace, keepWarm } from '../data.js'
import { show } from '../figure.js'
import { measure, type Step } from '../series.js'
import { Site } from '../site.js'
import { ratios } from '../verdicts.js'
import type { Scenario } from './scenario.js'
import { FACTOR, STEPS, slopeRows } from './transfer.js'
import { placeNotes } from './upload.js'

const BOUNDS = [
  { over: 's5cmd', bound: 1 },
  { over: 'boto3', bound: 0.6 },
  { over: 'lib-storage', bound: 0.5 },
]

/** What tablesnap uploaded comes back: from the sink's page cache into a new file. */
export const restore: Scenario = async ({ options, peers, say }) => {
  const { size, runs, work } = options
  // The files, and what is restored of the larger one.
  checkSpace(work, (1 + 2 * FACTOR) * size)
  const site = await Site.open(work)
  try {
    await site.sink.keep(true)
    const uploader = tablesnap()
    const sizes = { [STEPS.small]: size, [STEPS.large]: FACTOR * size }
    const steps: Step[] = []
    for (const [name, bytes] of Object.entries(sizes)) {
      const source = bigTable(site.path(name, 'ks', 't'), bytes)
      await site.run(uploader, 'file', site.job(source, { node: name }), bytes)
      steps.push({ name, task: 'restore', source, bytes, node: name, before: () => keepWarm(source) })
    }
    const clients = [await floor(false), uploader, ...peers]
    const { series, notes } = await measure(site, clients, steps, runs, say)
    const rows = slopeRows(series, size)
    const span = `${show(size, 'bytes')} and ${show(FACTOR * size, 'bytes')}`
    return [
      {
        scenario: 'restore',
        title: `restore: CPU-s per GiB, slope between ${span}`,
        rows,
        verdicts: ratios(rows, BOUNDS),
        notes: [
          ...placeNotes(work),
          'tablesnap verifies every byte; lib-storage here is GetObject of @aws-sdk/client-s3',
          ...notes,
        ],
      },
    ]
  } finally {
    await site.close()
  }
}
