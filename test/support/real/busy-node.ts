import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Random } from '../../manifest/random.js'
import { startBusyLoops } from './busy-loops.js'
import { keepEvidence } from './evidence.js'
import { restoreFreshNode } from './fresh-node.js'
import type { Manifest } from './manifests.js'
import { difference, type Model } from './model.js'
import { Moments } from './moments.js'
import { Stage } from './stage.js'
import { Versions } from './versions.js'

/** How much happens on the node. */
export interface BusyCounts {
  readonly truncates: number
  readonly schemaChanges: number
  readonly drops: number
  /** Restore points, chosen at random, whose rows are read. */
  readonly restores: number
}

/** Tables that are truncated in turn. */
const TABLES = 8

/** Words that the daemon's log must not have: every SSTable that goes is explained by Cassandra. */
const FALSE_LOSS = /unexplained|no transaction log|vanished/i

/** The counts, or those that the environment variable COUNTS has instead: four numbers with commas between them. */
export function countsFromEnvironment(counts: BusyCounts): BusyCounts {
  const [truncates, schemaChanges, drops, restores] = (process.env['COUNTS'] ?? '')
    .split(',')
    .map(text => (text === '' ? undefined : Number(text)))
  return {
    truncates: truncates ?? counts.truncates,
    schemaChanges: schemaChanges ?? counts.schemaChanges,
    drops: drops ?? counts.drops,
    restores: restores ?? counts.restores,
  }
}

/**
 * Truncates, schema changes and drops on a node whose two processors are wanted by two busy loops as well, while the daemon
 * watches: nothing is called unexplained, restore points have the rows of a flush, and a fresh node starts from the end.
 */
export async function checkBusyNode(t: Test, version: string, counts: BusyCounts): Promise<void> {
  const stage = await Stage.start(t, { version })
  const loops = await startBusyLoops(t, 2)
  const began = performance.now()
  // With a table that is dropped Cassandra flushes all others: no row of an INSERT must come to the disk before the others.
  const undivided = oneAtATime()
  await Promise.all([
    truncateTables(stage, counts.truncates, undivided),
    changeSchema(stage, counts.schemaChanges, undivided),
    dropIndexedTables(stage, counts.drops, undivided),
  ])
  t.comment(`all operations took ${seconds(began)}`)
  await t.test('the newest restore points name what is on the disk, and nothing is unexplained', async t => {
    const settling = performance.now()
    const { live } = await stage.settle(120_000)
    t.comment(`the newest restore points name ${live.size} SSTables after ${seconds(settling)}`)
    const lines = stage.daemon.output().split('\n')
    t.same(
      lines.filter(line => FALSE_LOSS.test(line)),
      [],
      'the log',
    )
  })
  await loops.stop()
  await keepEvidence(stage)
  const all = await stage.manifests.all()
  t.same(all.filter(isNotRestorable).map(describe), [], 'every restore point is complete')
  t.same(indexProblems(all, stage.models), [], 'no restore point has a table without its index')

  const home = join(stage.work, 'fresh')
  const { node } = await restoreFreshNode(stage.restorer, stage.node.dataDirectories, {
    home,
    version,
    format: undefined,
  })
  t.teardown(() => node.kill())
  await stage.rows.close()
  await stage.node.kill()
  await t.test('a fresh node starts from the end, and has its rows', async t => {
    await node.start()
    const rows = await Versions.connect(node.contact)
    t.teardown(() => rows.close())
    for (const model of stage.models.values()) {
      if (!model.name.startsWith('ks.')) continue
      const found = await rows.contents(model.name)
      t.equal(difference(found, model.now), difference(model.now, model.now), model.name)
    }
  })
  await t.test('restore points chosen at random have the rows of a flush', async t => {
    // Where the fresh node did not start, the node itself reads what is restored.
    if (!node.isRunning) await stage.node.start()
    const reader = node.isRunning ? node : stage.node
    const rows = await Versions.connect(reader.contact)
    t.teardown(() => rows.close())
    const work = join(stage.work, 'moments')
    mkdirSync(work)
    const origins = stage.node.dataDirectories
    const moments = new Moments(stage.restorer, reader.dataDirectories, work, {
      origins,
      tableAlone: true,
    })
    const seed = Number(process.env['SEED'] ?? 1)
    const chosen = sample(all.filter(isOf(stage.models)), counts.restores, new Random(seed))
    t.comment(`${chosen.size} of ${all.length} restore points; SEED=${seed}`)
    for (const [unit, model] of stage.models) {
      const states = all.filter(manifest => manifest.unit === unit)
      const last = states.at(-1)
      if (last === undefined) continue
      const { problems } = await moments.check(
        rows,
        model,
        states.filter(state => chosen.has(state) || state === last),
      )
      t.same(problems, [], `restore points of ${unit}`)
      const newest = await moments.contents(rows, last)
      t.equal(difference(newest, model.now), NONE, `the newest restore point of ${unit}`)
    }
  })
}

/** Two tables that do not differ. */
const NONE = difference(new Map(), new Map())

type OneAtATime = <T>(action: () => Promise<T>) => Promise<T>

/** Makes a function that does one thing after the other. */
function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve()
  return async action => {
    const result = last.then(action, action)
    last = result
    return result
  }
}

/** Tables that are each written, truncated and written again, and flushed together. */
async function truncateTables(stage: Stage, count: number, undivided: OneAtATime): Promise<void> {
  const models: Model[] = []
  for (let i = 0; i < TABLES; i += 1) models.push(await stage.table(`ks.t${i}`))
  for (let done = 0; done < count && stage.daemon.running; done += models.length) {
    for (const model of models.slice(0, count - done)) {
      await undivided(async () => model.write(0, 20, done * 2 + 1))
      // Cassandra flushes a table before it truncates it, as it makes a snapshot.
      model.flushed()
      await stage.rows.execute(`TRUNCATE ${model.name}`)
      model.emptied()
      await undivided(async () => model.write(10, 30, done * 2 + 2))
    }
    await stage.node.nodetool('flush', 'ks')
    for (const model of models) model.flushed()
  }
}

/** Tables that are created, altered and dropped, so that Cassandra flushes and compacts system_schema all the time. */
async function changeSchema(stage: Stage, count: number, undivided: OneAtATime): Promise<void> {
  const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
  await stage.rows.execute(`CREATE KEYSPACE changes WITH replication = ${replication}`)
  for (let i = 0; i < count && stage.daemon.running; i += 1) {
    const table = `changes.t${Math.floor(i / 3)}`
    if (i % 3 === 0) await stage.rows.execute(`CREATE TABLE ${table} (id int PRIMARY KEY, a text)`)
    else if (i % 3 === 1) await stage.rows.execute(`ALTER TABLE ${table} ADD b text`)
    else await undivided(async () => stage.rows.execute(`DROP TABLE ${table}`))
  }
}

/** Tables with a secondary index that are dropped: half of them have an SSTable, all have rows in memory. */
async function dropIndexedTables(stage: Stage, count: number, undivided: OneAtATime): Promise<void> {
  for (let i = 0; i < count && stage.daemon.running; i += 1) {
    const model = await stage.table(`drops.d${i}`)
    await stage.rows.execute(`CREATE INDEX ON ${model.name} (version)`)
    if (i % 2 === 0) {
      await undivided(async () => model.write(0, 20, 1))
      await stage.flush(model)
    }
    await undivided(async () => model.write(10, 30, 2))
    // Cassandra flushes a table before it drops it, as it makes a snapshot.
    model.flushed()
    await undivided(async () => stage.rows.execute(`DROP TABLE ${model.name}`))
    model.emptied()
  }
}

/** Restore points of indexed tables that have SSTables of the table alone, or of its index alone. */
function indexProblems(all: readonly Manifest[], models: ReadonlyMap<string, Model>): string[] {
  return all
    .filter(({ unit }) => models.get(unit)?.name.startsWith('drops.') === true)
    .filter(({ sets }) => {
      const ofIndex = [...sets.keys()].filter(path => /\/\.[^/]+\/[^/]+$/.test(path)).length
      return sets.size > 0 && (ofIndex === 0 || ofIndex === sets.size)
    })
    .map(describe)
}

function isNotRestorable({ restorable }: Manifest): boolean {
  return !restorable
}

function isOf(models: ReadonlyMap<string, Model>): (manifest: Manifest) => boolean {
  return ({ unit, restorable, sets }) => restorable && sets.size > 0 && models.has(unit)
}

function describe({ key, sets, unprotected, unexplained }: Manifest): string {
  const names = [...sets.keys()].map(path => path.replace(/.*\/(?=[^/]*\/[^/]*$)/, ''))
  return `${key}: ${names.join(', ')}; not backed up: ${unprotected.join(', ')}; unexplained: ${unexplained.join(', ')}`
}

/** Some of the restore points. */
function sample(all: readonly Manifest[], count: number, random: Random): ReadonlySet<Manifest> {
  const left = [...all]
  const chosen = Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(random.below(left.length), 1),
  )
  return new Set(chosen.flat())
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(0)} s`
}
