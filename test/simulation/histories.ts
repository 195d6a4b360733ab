import { EPOCH } from './checks.js'
import type { DaemonOptions } from './daemon.js'
import { PACES } from './pace.js'
import type { Steps } from './cassandra.js'
import { rewriteInPlace, rewriteStatistics, write } from './operations.js'
import { deleteFiles } from './operator.js'
import { Random } from '../manifest/random.js'
import type { Script } from './script.js'
import type { Scenario } from './scenario.js'

/** A history that once went wrong. */
export interface Told {
  /** What must be. */
  readonly title: string
  readonly script?: Partial<Script>
  /** Plays it. @returns what is wrong, beside what the checks find */
  play(scenario: Scenario): Promise<string | undefined>
  /** Whether the rule of before goes wrong in it. */
  readonly isWrongBefore: boolean
}

/** Whether the newest restore point is complete, and what the table has. */
function isAsItIs(scenario: Scenario): string | undefined {
  if (scenario.said === scenario.there) return undefined
  return `the newest manifest says "${scenario.said}", the table has "${scenario.there}"`
}

function unless(isSo: boolean, problem: string): string | undefined {
  return isSo ? undefined : problem
}

/** A flush's log comes and goes while the process stands still; the next one's is seen. */
async function missOneLog(scenario: Scenario): Promise<void> {
  scenario.begin()
  await scenario.do('flush', 7000)
  scenario.daemon?.pace.stop(150)
  scenario.time.after(140, () => scenario.node.do('flush', 1))
  await scenario.do('flush', 300)
}

const NO_WATCHES: Partial<DaemonOptions> = { watchLimit: 0 }

/** The histories of the table's core. */
export const HISTORIES: readonly Told[] = [
  {
    title: 'a flush whose transaction log was missed comes before a later flush whose log was seen',
    isWrongBefore: true,
    async play(scenario) {
      await missOneLog(scenario)
      await scenario.run(15_000)
      return isAsItIs(scenario)
    },
  },
  {
    title: 'SSTables that arrive all the time do not keep a missed flush out of its place',
    isWrongBefore: true,
    async play(scenario) {
      await missOneLog(scenario)
      await scenario.every(400, 60, index => scenario.node.do('import', index))
      await scenario.run(10_000)
      return isAsItIs(scenario)
    },
  },
  {
    title: 'a process that gets a twentieth of a CPU writes a restore point at least every 31 s',
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin({ pace: PACES.starved })
      const from = scenario.time.now
      await scenario.every(1000, 150, index => scenario.node.do('flush', index))
      const longest = scenario.pauses(from, scenario.time.now)
      return unless(longest <= 31_000, `${longest} ms between two restore points`)
    },
  },
  {
    title: 'a take-over of a replaced machine accepts what is lost with it',
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 7000)
      scenario.replaceMachine()
      await scenario.do('flush', 10_000)
      return isAsItIs(scenario)
    },
  },
  {
    title: 'a daemon takes up what a -B beside it uploaded',
    script: { mode: 'watch', existing: 2 },
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin()
      await scenario.run(1500)
      await scenario.do('flush', 7000)
      scenario.beginOneShot()
      await scenario.run(15_000)
      await scenario.do('flush', 10_000)
      const problem = isAsItIs(scenario)
      if (problem !== undefined) return problem
      scenario.kill()
      scenario.begin()
      await scenario.do('flush', 10_000)
      return isAsItIs(scenario)
    },
  },
  {
    title: 'a -B without inotify watches, beside a compaction, writes a restore point or fails',
    script: { existing: 3 },
    isWrongBefore: false,
    async play(scenario) {
      const run = scenario.beginOneShot(NO_WATCHES)
      await scenario.run(10)
      await scenario.do('compact', 60_000)
      if (run.oneShot?.exit === undefined) return 'it does not end'
      return run.oneShot.exit === 'failure' ? undefined : isAsItIs(scenario)
    },
  },
  {
    title:
      'SSTables that --delete-on-backup would delete leave with a compaction although the manifest failed',
    script: { mode: 'delete' },
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin()
      await scenario.run(500)
      scenario.network.refused.add('PUT manifest')
      for (const salt of [1, 2, 3]) await scenario.do('flush', 300, salt)
      await scenario.run(2000)
      await scenario.do('compact', 2000)
      scenario.daemon?.queue.limit(0)
      await scenario.do('compact', 300)
      scenario.daemon?.queue.limit(2000)
      await scenario.run(3000)
      scenario.network.refused.clear()
      await scenario.run(90_000)
      return isAsItIs(scenario)
    },
  },
  {
    title: 'a late manifest of a writer that lost the name is not what -D brings',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 7000)
      scenario.takeOver()
      await scenario.run(2000)
      await scenario.do('flush', 15_000)
      const choice = scenario.checks.choices.get(scenario.node.family.base.unit)
      return (
        unless(choice?.state.epoch === 2, `-D brings epoch ${choice?.state.epoch ?? 0}`) ?? isAsItIs(scenario)
      )
    },
  },
  {
    title: 'a table whose directory was removed after a drop that nobody saw has an empty restore point',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 7000)
      const { base } = scenario.node.family
      scenario.daemon?.pace.stop(15_000)
      await scenario.do('compact', 1000)
      // The salt with which a drop removes the directory as well.
      await scenario.do('drop', 60_000, 7)
      const sets = scenario.bucket.newest(base.unit)?.state.sets.size
      const isRemoved = base.directories.every(({ isDeleted }) => isDeleted)
      return (
        unless(isRemoved, 'the directory is there') ??
        unless(sets === 0, `${sets ?? 'no'} SSTables are named`)
      )
    },
  },
  {
    title: 'an SSTable that is rewritten all the time holds up the others for a bounded time',
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin()
      await scenario.do('import', 0, 3)
      await scenario.do('flush', 200)
      const [restless] = scenario.node.family.base.live
      const from = scenario.time.now
      await scenario.every(400, 300, index => {
        if (restless !== undefined)
          scenario.node.start(rewriteStatistics(scenario.node.cassandra, restless, new Random(index)))
      })
      const longest = scenario.pauses(from, scenario.time.now)
      const names = [...(scenario.newest?.sets.keys() ?? []), ...(scenario.newest?.unprotected ?? [])]
      return unless(names.length >= 2 || longest < 90_000, `${scenario.said} after ${longest} ms`)
    },
  },
  {
    title: 'an SSTable that somebody writes all the time is named as not backed up',
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 1000)
      const { cassandra, fs } = scenario.node
      const { base } = scenario.node.family
      const [directory] = base.directories
      if (directory === undefined) return 'there is no directory'
      const copy = base.sstable(directory)
      for (const component of copy.components) {
        const node = cassandra.create(copy, component)
        fs.write(node, 100)
        if (component === 'TOC.txt') node.toc = copy.components
        fs.close(directory, copy.file(component))
      }
      await scenario.every(400, 200, index => {
        const node = copy.node('Statistics.db')
        if (node !== undefined) fs.write(node, 101 + index)
        fs.close(directory, copy.file('Statistics.db'))
        if (index === 20) scenario.node.do('flush', 1)
      })
      const { newest } = scenario
      return (
        unless(newest?.sets.size === 2, `the newest manifest says "${scenario.said}"`) ??
        unless(
          newest?.unprotected.includes(copy.path) === true,
          `"${scenario.said}" does not name ${copy.path}`,
        )
      )
    },
  },
  {
    title: 'an SSTable whose upload takes long is not named as not backed up meanwhile',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 1000)
      scenario.network.delays.set('PUT', 50_000)
      await scenario.do('import', 90_000)
      const named = scenario.states.filter(({ unprotected }) => unprotected.length > 0)
      await scenario.run(40_000)
      return unless(named.length === 0, named[0]?.unprotected.join(' ') ?? '') ?? isAsItIs(scenario)
    },
  },
  {
    title: 'SSTables that arrive every 0.7 s get their restore points meanwhile',
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin()
      const from = scenario.time.now
      await scenario.every(700, 130, index => scenario.node.do('import', index))
      const longest = scenario.pauses(from, scenario.time.now)
      return unless(longest <= 31_000, `${longest} ms without a restore point`)
    },
  },
  {
    title: 'a listing that is refused does not make manifests that say nothing new',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      scenario.network.refused.add('PUT listing')
      await scenario.do('flush', 75_000)
      return unless(scenario.states.length <= 2, `${scenario.states.length} manifests of one flush`)
    },
  },
  {
    title: 'SSTables that failed and were compacted away are not missing any more',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.run(500)
      scenario.network.weather = 'refused'
      await scenario.every(100, 10, index => scenario.node.do('flush', index))
      await scenario.run(3000)
      await scenario.do('compact', 3000, 3)
      scenario.network.weather = 'fair'
      await scenario.run(60_000)
      const table = scenario.daemon?.tables.get(scenario.node.family.base.unit)
      const missing = [...(table?.missing() ?? [])].map(({ path }) => path)
      return unless(missing.length === 0, `missing: ${missing.join(' ')}`) ?? isAsItIs(scenario)
    },
  },
  {
    title: 'a newest manifest that cannot be read is superseded although the table is empty now',
    script: { existing: 1 },
    isWrongBefore: true,
    async play(scenario) {
      scenario.beginOneShot()
      await scenario.run(10_000)
      const before = scenario.bucket.newest(scenario.node.family.base.unit)
      if (before === undefined) return 'there is no manifest'
      before.unreadableSince = scenario.time.now
      await scenario.do('truncate', 2000)
      scenario.beginOneShot()
      await scenario.run(20_000)
      const after = scenario.bucket.newest(scenario.node.family.base.unit)
      return unless(
        after !== before && after?.state.sets.size === 0,
        `the newest manifest says "${scenario.said}"`,
      )
    },
  },
  {
    title: 'a flush and a truncate within milliseconds are not taken for a loss on a busy machine',
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin({ pace: PACES.busy })
      await scenario.run(2000)
      for (let round = 0; round < 64; round++) {
        scenario.node.do('flush', round)
        scenario.time.after(60 + round, () => scenario.node.do('truncate', round))
        await scenario.run(1500)
      }
      await scenario.run(20_000)
      const marked = scenario.states.filter(({ unexplained }) => unexplained.length > 0).length
      // Where each SSTable went before it had come to rest, there was never anything to say.
      return (
        unless(marked === 0, `${marked} losses`) ??
        unless(scenario.said === 'nothing' || isAsItIs(scenario) === undefined, scenario.said)
      )
    },
  },
  {
    title: 'a restore point of a table covers its indexes: a truncate is never half of one',
    script: { hasIndex: true },
    isWrongBefore: true,
    async play(scenario) {
      scenario.begin()
      for (let round = 0; round < 6; round++) {
        await scenario.do('flush', 8000, round)
        await scenario.do('truncate', 8000, round)
      }
      for (const { sets } of scenario.states) {
        const indexed = [...sets.keys()].filter(path => path.includes('/.idx/')).length
        if (indexed > 0 !== sets.size > indexed)
          return `a restore point is half a table: ${[...sets.keys()].join(' ')}`
      }
      return isAsItIs(scenario)
    },
  },
  {
    title: 'a -B with nothing new writes nothing, and no restore point lacks a file that is known',
    script: { existing: 2 },
    isWrongBefore: false,
    async play(scenario) {
      const directory = scenario.node.family.base.directories[0]!
      for (const name of ['manifest.txt', 'notes.txt']) {
        scenario.node.fs.write(scenario.node.fs.create(directory, name), 10)
        scenario.node.fs.close(directory, name)
      }
      await scenario.run(5000)
      for (let round = 0; round < 3; round++) {
        scenario.beginOneShot()
        await scenario.run(20_000)
      }
      const lacking = scenario.states.find(
        ({ files, unprotected }) => files.size < 2 && unprotected.length === 0,
      )
      return (
        unless(lacking === undefined, 'a complete restore point lacks a file') ??
        unless(scenario.states.length === 1, `${scenario.states.length} manifests of one state`) ??
        isAsItIs(scenario)
      )
    },
  },
  {
    title: 'a TOC.txt that is written again right after the commit is in the next restore point',
    script: { format: 'sai' },
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 130)
      const [sstable] = scenario.node.family.base.live
      if (sstable === undefined) return 'there is no SSTable'
      scenario.node.start(rewriteInPlace(scenario.node.cassandra, sstable, 'TOC.txt', new Random(1)))
      await scenario.run(15_000)
      const key = scenario.newest?.sets.get(sstable.path)?.components.get('TOC.txt')?.key
      const content = scenario.bucket.content(`${sstable.path}-TOC.txt`, key)
      return unless(content === sstable.node('TOC.txt')?.content, 'the newest manifest has the older TOC.txt')
    },
  },
  {
    title:
      'a daemon that has seen a truncate outranks what a run beside it says later without having seen it',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 7000)
      await scenario.do('delete', 10_000)
      const { newest } = scenario
      if (newest?.unexplained.length !== 1) return `nothing is unexplained: "${scenario.said}"`
      await scenario.do('truncate', 30)
      const { bucket, checks, time } = scenario
      checks.settings.hasOtherWriter = true
      const state = { ...newest, time: EPOCH + Math.floor(time.now) }
      bucket.putManifest({ state, delta: undefined }, time.now, { isAlive: true }, time.now)
      await scenario.run(20_000)
      return isAsItIs(scenario)
    },
  },
  {
    title: 'a table is not without restore points for an hour when a log could not be opened during a gap',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 7000)
      scenario.daemon?.queue.limit(0)
      await scenario.do('flush', 300)
      scenario.daemon?.queue.limit(2000)
      if (scenario.daemon !== undefined) scenario.daemon.logs.failures = 3
      await scenario.do('compact', 300)
      await scenario.do('flush', 90_000)
      return isAsItIs(scenario)
    },
  },
  {
    title:
      'a daemon that comes back to what it said last says it again when another run has written meanwhile',
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 7000)
      await scenario.do('truncate', 300)
      await scenario.do('flush', 100)
      scenario.beginOneShot()
      await scenario.run(2500)
      const said = scenario.said
      await scenario.do('truncate', 20_000)
      return unless(said !== '', 'the other run has written nothing') ?? isAsItIs(scenario)
    },
  },
  {
    title: 'where nobody knows what --delete-on-backup deleted, restore points say so until a truncate',
    script: { mode: 'delete' },
    isWrongBefore: false,
    async play(scenario) {
      scenario.begin()
      await scenario.do('flush', 7000)
      scenario.kill()
      const newest = scenario.bucket.newest(scenario.node.family.base.unit)
      if (newest === undefined) return 'there is no manifest'
      newest.unreadableSince = scenario.time.now
      scenario.begin()
      await scenario.do('flush', 7000)
      const wasRestorable = scenario.isRestorable
      const { length } = scenario.states
      await scenario.do('truncate', 7000)
      return (
        unless(length > 1 && !wasRestorable, 'a restore point lacks an SSTable without a word') ??
        unless(scenario.isRestorable, 'the truncate has not ended it')
      )
    },
  },
  {
    title: 'a restore point waits for the second attempt at a file that belongs to no SSTable',
    isWrongBefore: false,
    async play(scenario) {
      const directory = scenario.node.family.base.directories[0]!
      scenario.node.fs.write(scenario.node.fs.create(directory, 'notes.txt'), 10)
      scenario.node.fs.close(directory, 'notes.txt')
      await scenario.run(5000)
      // The SSTable's second attempt succeeds, before the file's third one does.
      scenario.begin().uploads.failures = 3
      await scenario.run(1100)
      await scenario.do('flush', 20_000)
      const lacking = scenario.states.find(
        ({ files, unprotected }) => files.size < 1 && unprotected.length === 0,
      )
      return unless(lacking === undefined, 'a complete restore point lacks a file') ?? isAsItIs(scenario)
    },
  },
  {
    title: 'an ADD line without files does not bring back an SSTable of that name that vanished',
    isWrongBefore: false,
    async play(scenario) {
      const { cassandra, family } = scenario.node
      const { base } = family
      scenario.begin()
      await scenario.do('flush', 7000)
      const [lost] = base.live
      if (lost === undefined) return 'there is no SSTable'
      scenario.node.start(deleteFiles(cassandra, family, new Random(1), false), false)
      await scenario.run(20)
      const log = cassandra.log(base, 'flush')
      const written = base.sstable(lost.directory)
      scenario.node.start(
        (function* (): Steps {
          cassandra.replicate(log, lost.directory, [written, lost])
          yield 1
          yield* write(cassandra, written, new Random(1))
          yield* cassandra.commit(log, base, [written], [])
          yield* cassandra.endLog(log)
        })(),
      )
      await scenario.run(15_000)
      const isBack = scenario.newest?.sets.has(lost.path) === true
      return unless(!isBack && scenario.newest?.unexplained.includes(lost.path) === true, scenario.said)
    },
  },
]
