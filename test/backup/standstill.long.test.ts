import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Random } from '../manifest/random.js'
import { Audit } from '../support/real/audit.js'
import { keepEvidence } from '../support/real/evidence.js'
import { Interruptions } from '../support/real/interruptions.js'
import type { Manifest } from '../support/real/manifests.js'
import { difference, type Model } from '../support/real/model.js'
import { Moments } from '../support/real/moments.js'
import { RandomOperations } from '../support/real/random-operations.js'
import { Stage } from '../support/real/stage.js'

const MINUTES = Number(process.env['MINUTES'] ?? 30)
const RESTORES = Number(process.env['RESTORES'] ?? 20)
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

/** A server's Date has whole seconds, and the time of a restore point is never later than it: so much it may be too early, ms. */
const CLOCK = 2000

/** The longest time that the daemon may run for before it knows what happened, ms. */
const LATE = 10_000

const title = `${MINUTES} min of random operations, with a daemon that stands still at random and has 5 % of a CPU for a third of the time`

await t.test(title, { timeout: (MINUTES * 2 + 15) * 60_000 }, async t => {
  t.comment(`SEED=${SEED}`)
  const random = new Random(SEED)
  const stage = await Stage.start(t, { version: '5.0.9', yaml: { compaction_throughput: '2MiB/s' } })
  const operations = await RandomOperations.create(stage, random, ['ks.a', 'ks.b', 'ks.c'])
  const interruptions = new Interruptions(stage.daemon.pid, new Random(SEED + 1))
  interruptions.start()
  const end = performance.now() + MINUTES * 60_000
  while (performance.now() < end && stage.daemon.running) await operations.step()
  await operations.end()
  await interruptions.end()
  t.comment(JSON.stringify(Object.fromEntries(operations.counts)))
  t.comment(interruptions.summary())

  await t.test('the newest restore points name what is on the disk within 2 min', async () => {
    await stage.settle(120_000)
  })
  await keepEvidence(stage)
  const all = await stage.manifests.all()
  t.same(
    all.filter(({ restorable }) => !restorable).map(({ key }) => key),
    [],
    'every restore point is complete',
  )
  t.same(await new Audit(stage.bucket).problems(all), [], 'what they name is in the bucket')
  await checkRows(t, stage, all, interruptions, random)
})

/** Restores some restore points; each has exactly the rows of a moment at which it may have been written. */
async function checkRows(
  t: Test,
  stage: Stage,
  all: readonly Manifest[],
  interruptions: Interruptions,
  random: Random,
): Promise<void> {
  const work = join(stage.work, 'chosen')
  mkdirSync(work)
  const moments = new Moments(stage.restorer, stage.node.dataDirectories, work, {
    tableAlone: true,
  })
  const units = [...stage.models].filter(([, { name }]) => name.startsWith('ks.'))
  const left = all.filter(
    ({ unit, restorable, sets }) => restorable && sets.size > 0 && units.some(([one]) => one === unit),
  )
  t.comment(`${all.length} restore points, ${left.length} of the tables have SSTables`)
  const chosen = new Set<Manifest>()
  while (chosen.size < RESTORES && left.length > 0)
    for (const one of left.splice(random.below(left.length), 1)) chosen.add(one)
  let latest = { ms: 0, key: '' }
  for (const [unit, model] of units) {
    let newest = 0
    // Those without SSTables cost nothing.
    for (const state of all.filter(one => one.unit === unit && (chosen.has(one) || one.sets.size === 0))) {
      const rows = await moments.contents(stage.rows, state)
      const time = Date.parse(state.time)
      const fitting = model
        .all(rows)
        .filter(index => index >= newest && isPossible(model, index, time, interruptions))
      const [index] = fitting
      const problems = index === undefined ? explain(model, rows, newest, time, interruptions) : []
      t.same(problems, [], `${state.key}: ${rows.size} rows`)
      newest = index ?? newest
      if (index === undefined) continue
      const ms = Math.min(...fitting.map(one => lateness(model, one, time, interruptions)))
      if (ms > latest.ms) latest = { ms, key: state.key }
    }
  }
  t.comment(
    `the daemon ran for ${latest.ms.toFixed(0)} ms at most before it knew what had happened (${latest.key})`,
  )
}

/** Whether a restore point of a time may be that of a moment. @param time ms since 1970 */
function isPossible(model: Model, index: number, time: number, interruptions: Interruptions): boolean {
  const begins = model.moments[index - 1]?.at ?? 0
  return time >= begins - CLOCK && lateness(model, index, time, interruptions) <= LATE
}

/** How long the daemon ran for between the end of a moment and a time, ms. */
function lateness({ moments }: Model, index: number, time: number, interruptions: Interruptions): number {
  return interruptions.ran(moments[index + 1]?.at ?? Infinity, time)
}

function explain(
  model: Model,
  rows: ReadonlyMap<number, number>,
  from: number,
  time: number,
  interruptions: Interruptions,
): string[] {
  const same = model
    .all(rows)
    .map(index => `the rows of moment ${index}, ${lateness(model, index, time, interruptions)} ms late`)
  const near = model.moments
    .map(({ at, most }, index) => ({ at, index, text: difference(rows, most) }))
    .filter(({ at }) => Math.abs(at - time) < 60_000)
    .map(({ at, index, text }) => `moment ${index} of ${new Date(at).toISOString()}: ${text}`)
  return [`not before moment ${from}`, ...same, ...near]
}
