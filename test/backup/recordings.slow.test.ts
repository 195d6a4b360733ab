import t from 'tap'

import { RECORDINGS } from '../support/recording.js'
import { Replay } from '../support/replay.js'

const FIRST = 'da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti'
const SECOND = 'da-3h5r_09ut_02sb42g7mhl3miqz80-bti'

/** The commits of every recorded operation, in their order. */
const COMMITS: Readonly<Record<string, readonly string[]>> = {
  'flush, compaction, snapshot, clear snapshot, incremental backup': [
    '+nb-1-big',
    '+nb-2-big',
    '+nb-3-big -nb-1-big -nb-2-big',
    '-snapshots/snap1/nb-3-big',
    '+nb-4-big',
    '+backups/nb-4-big',
    '+nb-5-big -nb-3-big -nb-4-big',
  ],
  'flush without compression, SIGKILL in mid-compaction': [
    '+nb-1-big',
    '+nb-2-big',
    '+nb-3-big',
    '+nb-4-big -nb-1-big -nb-2-big -nb-3-big',
  ],
  'leveled compaction': ['+nb-1-big', '+nb-2-big', '+nb-3-big +nb-4-big -nb-1-big -nb-2-big', '+nb-5-big'],
  // The table and its index commit one after the other: they share a restore point.
  'legacy index': ['+.t1_grp/nb-1-big', '+.t1_grp/nb-2-big +nb-6-big'],
  'SAI created later, flush, scrub, SAI rebuilt and dropped': [
    '+nb-1-big',
    '+nb-2-big',
    '+nb-3-big -nb-1-big',
    '+nb-4-big -nb-2-big',
  ],
  'truncate, drop': [
    '+nb-1-big',
    '+nb-2-big',
    '-nb-1-big -nb-2-big end',
    '+snapshots/truncated-1795404321738-t3/nb-1-big +snapshots/truncated-1795404321738-t3/nb-2-big',
    '+nb-3-big',
    '-nb-3-big end',
  ],
  'import by move, copy, refresh, import by copy': [
    '+nb-1-big',
    '+nb-77-big',
    '+nb-2-big -nb-77-big',
    '+nb-3-big',
  ],
  'sstableloader, compaction, Statistics.db rewritten': [
    '+nb-15-big',
    '+nb-16-big -nb-12-big -nb-15-big',
    '+nb-17-big',
    '+nb-18-big -nb-16-big -nb-17-big',
  ],
  BTI: [
    `+${FIRST}`,
    `+${SECOND}`,
    `+backups/${SECOND}`,
    `+da-3h5r_09uu_5uh5s2g7mhl3miqz80-bti -${FIRST} -${SECOND}`,
  ],
  'BTI with SAI': ['+da-3h5r_09wb_58tu82g7mhl3miqz80-bti'],
  'UUID names': ['+oa-3h5r_09zf_3pyj42gqg7lnhwwvbr-big', '+oa-3h5r_09zo_4hlwq2gqg7lnhwwvbr-big'],
  'upgradesstables after summaries were redistributed': [
    '+nb-2-big',
    '+nb-3-big -nb-2-big',
    '+nb-4-big -nb-1-big',
  ],
  'repair streams a set': ['+nb-1-big'],
  'two data directories': ['+nb-1-big +nb-2-big'],
  '6.0': ['+pa-1-big', '+pa-2-big', '+pa-3-big -pa-1-big -pa-2-big', '+snapshots/s1/pa-3-big'],
  '4.1 with a legacy index, import, drop': [
    '+nb-1-big',
    '+nb-2-big',
    '+nb-3-big -nb-1-big -nb-2-big',
    '+.t1_grp/nb-1-big',
    '+nb-4-big',
    '+.t1_grp/nb-2-big',
    '+snapshots/dropped-1795405498641-t1/.t1_grp/nb-1-big +snapshots/dropped-1795405498641-t1/.t1_grp/nb-2-big',
    '+snapshots/dropped-1795405498641-t1/nb-3-big +snapshots/dropped-1795405498641-t1/nb-4-big',
    '-.t1_grp/nb-1-big -.t1_grp/nb-2-big -nb-3-big -nb-4-big end',
  ],
  '4.1 repair': ['+nb-1-big'],
}

/** Links of a snapshot may be one change or several, by how fast they were made: here they are one. */
function withOneSnapshot(commits: readonly string[]): string[] {
  const result: string[] = []
  let isSnapshot = false
  for (const commit of commits) {
    const words = commit.split(' ')
    const isLinks = words.every(word => word.startsWith('+snapshots/'))
    const before = isLinks && isSnapshot ? (result.pop() ?? '').split(' ') : []
    result.push([...before, ...words].sort().join(' '))
    isSnapshot = isLinks
  }
  return result
}

await t.test('every recording is known', async t => {
  t.same([...RECORDINGS.keys()], Object.keys(COMMITS))
})

for (const [name, commits] of Object.entries(COMMITS)) {
  await t.test(`as it happened: ${name}`, async t => {
    const replay = await Replay.play(t, name, {
      snapshots: true,
      isExpected: ({ tracked }) =>
        withOneSnapshot(tracked.commits).join() === withOneSnapshot(commits).join(),
    })
    const { tracked, recording } = replay
    t.same(withOneSnapshot(tracked.commits), withOneSnapshot(commits))
    t.same(replay.torn, [], 'no half-written set was given')
    t.same(replay.live(), replay.onDisk(), 'every set that is there is durable, with all its components')
    const given = new Set(replay.given.map(({ set }) => set))
    t.same(
      recording.whole.filter(set => !given.has(set)),
      [],
      'every set that was whole for a while was given',
    )
    t.same(tracked.errors, [])
    t.same(tracked.problems, [])
    t.equal(tracked.gaps, 0)
  })
}
