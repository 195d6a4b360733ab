import t from 'tap'

import { RECORDINGS } from '../support/recording.js'
import { Replay } from '../support/replay.js'

/** Events behind the disk: a little; and so far that transaction logs are gone before they can be opened. */
const SOME = [
  'flush, compaction, snapshot, clear snapshot, incremental backup',
  'import by move, copy, refresh, import by copy',
  'two data directories',
]
for (const [lag, names] of [
  [5, SOME],
  [40, [...RECORDINGS.keys()]],
] as const) {
  await t.test(`what is seen ${lag} events late is neither torn nor lost nor unexplained`, async t => {
    let gaps = 0
    for (const name of names) {
      const replay = await Replay.play(t, name, { snapshots: true, lag, settle: 40 })
      t.same(replay.torn, [], name)
      t.same(replay.live(), replay.onDisk(), name)
      t.same(replay.tracked.errors, [], name)
      gaps += replay.tracked.gaps
    }
    if (lag > 30) t.ok(gaps > 5, `${gaps} scans were made again`)
  })
}

await t.test('sets without snapshots: those directories are left out', async t => {
  const replay = await Replay.play(t, 'truncate, drop')
  t.same(replay.tracked.commits, [
    '+nb-1-big',
    '+nb-2-big',
    '-nb-1-big -nb-2-big end',
    '+nb-3-big',
    '-nb-3-big end',
  ])
  t.same(replay.tracked.live(), [])
})
