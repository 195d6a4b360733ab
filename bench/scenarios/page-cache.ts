import { tablesnap } from '../clients/tablesnap.js'
import type { Client } from '../clients/client.js'
import { bigTable, checkSpace, evict, residentPages, warm } from '../data.js'
import { BenchFailure } from '../failure.js'
import { GIB, MIB, figure, show } from '../figure.js'
import { type Row } from '../result.js'
import { Site } from '../site.js'
import { atMost } from '../verdicts.js'
import type { Scenario } from './scenario.js'
import { placeNotes } from './upload.js'

/** Bytes of a page on the machines that this is for. */
const PAGE = 4096

const LEFT_BOUND = 32 * MIB

/** What an upload of a cold file leaves in the page cache, and what it takes out of it of a file that was partly there. */
export const pageCache: Scenario = async ({ options, peers, say }) => {
  // One GiB is enough to tell, unless something smaller is asked for.
  const size = Math.min(options.size, GIB)
  checkSpace(options.work, size)
  const site = await Site.open(options.work)
  try {
    const source = bigTable(site.path('ks', 't'), size)
    const rows: Row[] = []
    const notes: string[] = []
    for (const client of [tablesnap(), ...peers]) {
      const [left, lost]: [number[], number[]] = [[], []]
      try {
        for (let run = 1; run <= options.runs; run++) {
          const cold = await change(site, client, source, size, 0, 0)
          const partly = await change(site, client, source, size, size / 4, size / 2)
          left.push(cold.left)
          lost.push(partly.lost)
          say(
            `${run}/${options.runs} ${client.name}: ${show(cold.left, 'bytes')} left, ${partly.lost / PAGE} pages lost`,
          )
        }
      } catch (error) {
        if (!(error instanceof BenchFailure) || client.name === 'tablesnap') throw error
        notes.push(`${client.name} (${client.variant}) failed: ${error.message.slice(-600)}`)
        continue
      }
      rows.push({
        client: client.name,
        variant: client.variant,
        figures: { 'left resident': figure(left, 'bytes'), 'evicted, bytes': figure(lost, 'n') },
      })
    }
    const ours = rows[0]?.figures
    return [
      {
        scenario: 'page-cache',
        title: `page-cache: what an upload of ${show(size, 'bytes')} changes of the file's pages`,
        rows,
        verdicts: [
          atMost('left resident of a cold file', ours?.['left resident']?.max ?? NaN, LEFT_BOUND, 'bytes'),
          atMost('evicted of what was resident, bytes', ours?.['evicted, bytes']?.max ?? NaN, 0, 'n'),
        ],
        notes: [
          ...placeNotes(options.work),
          'the second column: the second quarter was resident before',
          ...notes,
        ],
      },
    ]
  } finally {
    await site.close()
  }
}

/** Uploads a file of which a part is resident. @returns bytes that came into the page cache, and that went */
async function change(
  site: Site,
  client: Client,
  source: string,
  size: number,
  from: number,
  to: number,
): Promise<{ left: number; lost: number }> {
  await evict(source)
  if (to > from) await warm(source, from, to)
  await site.sink.forget()
  const before = await residentPages(source)
  await site.run(client, 'file', site.job(source), size)
  const after = await residentPages(source)
  const count = (was: number, is: number) =>
    before.reduce((sum, page, i) => sum + Number(page === was && after[i] === is), 0)
  return { left: PAGE * count(0, 1), lost: PAGE * count(1, 0) }
}
