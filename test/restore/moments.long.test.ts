import { readdirSync, renameSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import { restoreFreshNode } from '../support/real/fresh-node.js'
import { difference, type Model } from '../support/real/model.js'
import { Stage, type StageOptions } from '../support/real/stage.js'
import { files } from '../support/real/tree.js'
import { Versions, type Contents } from '../support/real/versions.js'

/** A moment of a node, and the rows that its table held then. */
interface Known {
  readonly what: string
  /** As --at takes it. */
  readonly time: string
  readonly rows: Contents
}

const kinds: readonly StageOptions[] = [{ format: 'big' }, { format: 'bti', dataDirectories: 2 }]

for (const options of kinds) {
  const { format = '', dataDirectories = 1 } = options
  await t.test(`a node with ${format} SSTables, SAI and ${dataDirectories} data directories`, async t => {
    const stage = await Stage.start(t, options)
    const model = await stage.table('ks.t')
    await stage.rows.execute("CREATE INDEX version ON ks.t (version) USING 'sai'")
    const known: Known[] = []
    const note = async (what: string): Promise<void> => {
      await stage.settle()
      const time = new Date().toISOString()
      known.push({ what, time, rows: new Map(model.now) })
      // What comes next comes later by any clock.
      await sleep(20)
    }

    await model.write(0, 3000, 1)
    await stage.flush(model)
    await model.write(2000, 4000, 2)
    await stage.flush(model)
    await note('before the deletes')
    await model.delete(0, 1500)
    await model.write(3500, 3600, 3)
    await stage.flush(model)
    await note('between deletes and compaction')
    await stage.compact(model)
    await model.delete(3000, 3100)
    await model.write(5000, 5500, 4)
    await stage.flush(model)
    await note('after the compaction')

    await t.test('a fresh node has exactly the rows of the moment', async t => {
      for (const moment of known) await freshNode(t, stage, options, moment)
    })

    await t.test('a bad DELETE is undone in place, and that is undone', async t => {
      await inPlace(t, stage, model, known.at(-1))
    })
  })
}

/** Restores a whole node into empty directories, and has another Cassandra read them. */
async function freshNode(
  t: Test,
  stage: Stage,
  options: StageOptions,
  { what, time, rows }: Known,
): Promise<void> {
  const home = join(stage.work, what.replaceAll(' ', '-'))
  const { node, result } = await restoreFreshNode(
    stage.restorer,
    stage.node.dataDirectories,
    { version: '5.0.9', format: undefined, ...options, home },
    ['--at', time],
  )
  t.match(result.stderr, /complete to the flush of/)
  try {
    await node.start()
    await same(t, await Versions.connect(node.contact), rows, what)
  } finally {
    await node.kill()
    rmSync(home, { recursive: true })
  }
}

/** Takes the table back to a moment, and forth again. */
async function inPlace(t: Test, stage: Stage, model: Model, moment: Known | undefined): Promise<void> {
  if (moment === undefined) throw new Error('there is no moment')
  const { time, rows } = moment
  await model.delete(0, 5200)
  await stage.flush(model)
  // What was deleted is nowhere on the node any more, and no SSTable of the moment is.
  await stage.compact(model)
  const after = new Map(model.now)
  t.ok(after.size < rows.size)
  await stage.settle()
  const stopped = async (): Promise<void> => {
    await stage.rows.close()
    await stage.node.stop()
    // Cassandra would replay the DELETE from there.
    rmSync(stage.node.commitlogDirectory, { recursive: true, force: true })
  }
  const directories = stage.directories(model)
  await stage.restorer
    .slurp('--at', time, '--replace', 'backup', directories[0] ?? '', directories[0] ?? '')
    .then(
      () => t.fail('a running node is no obstacle'),
      (error: unknown) =>
        t.match(String(error), /holds files open that are to be replaced .*stop Cassandra first/),
    )
  await stopped()
  for (const directory of directories)
    await stage.restorer.slurp('--at', time, '--replace', 'backup', directory, directory)
  await stage.startNode()
  await same(t, stage.rows, rows, 'the DELETE is undone', false)
  const { newest } = await stage.settle()
  t.ok(
    [...newest.values()].every(({ restorable }) => restorable),
    'the daemon knows what a restore did',
  )

  await stopped()
  let moved = 0
  for (const directory of directories) {
    for (const entry of readdirSync(directory, { withFileTypes: true }))
      if (entry.isFile()) rmSync(join(directory, entry.name))
    for (const aside of readdirSync(directory).filter(name => name.startsWith('.tablesnap-replaced-'))) {
      const from = join(directory, aside)
      for (const file of files(from)) renameSync(file, join(directory, relative(from, file)))
      rmSync(from, { recursive: true })
      moved += 1
    }
  }
  t.ok(moved > 0, 'what was replaced is in the table')
  await stage.startNode()
  await same(t, stage.rows, after, 'what was moved aside came back', false)
}

/** A table, and its index, hold these rows and no others. */
async function same(t: Test, session: Versions, rows: Contents, what: string, close = true): Promise<void> {
  t.equal(difference(await session.contents('ks.t'), rows), difference(rows, rows), what)
  for (const version of [1, 2, 3, 4]) {
    const expected = [...rows.values()].filter(one => one === version).length
    const found = await session.execute(`SELECT count(*) FROM ks.t WHERE version = ${version}`)
    t.equal(Number(found.first()['count']), expected, `${what}: rows of version ${version} by the index`)
  }
  if (close) await session.close()
}
