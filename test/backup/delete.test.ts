import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { AfterManifest } from '../../src/backup/after-manifest.js'
import { UploadedFiles } from '../../src/backup/delete.js'
import type { Loader } from '../../src/backup/loader.js'
import { Recovery } from '../../src/backup/recovery.js'
import type { State } from '../../src/manifest/state.js'
import { Activity } from '../../src/status/activity.js'
import type { Draft } from '../../src/tables/ports.js'
import { until } from '../support/node.js'
import { Tracked, turn } from '../support/tracked.js'

const silent = () => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

/** A node with --delete-on-backup whose restore points the test drafts. */
async function settled(t: ConstructorParameters<typeof Tracked>[0]) {
  const node = new Tracked(t, { auto: true, deletesUploaded: true, restorePoint: silent })
  const table = node.table().set('nb-1-big').set('nb-2-big')
  table.file('plain')
  node.scan('start', table)
  await until(() => node.in('done').length === 3)
  await node.idle()
  const problems: string[] = []
  const uploaded = new UploadedFiles(log, {
    problem: (_about, message) => void problems.push(message),
    solved: silent,
  })
  const loader = { forget: silent } as unknown as Loader
  const after = new AfterManifest(uploaded, loader, new Recovery(node.clockwork), silent, new Activity())
  const core = node.core()
  const draft = (): Draft => {
    const made = core.draft()
    if (made === undefined) throw new Error('there is nothing to say')
    return made
  }
  const publish = (made: Draft): State => {
    const { state } = made
    core.written(made, state)
    after.published(core, { draft: made, state, isListed: true, busy: 0 })
    return state
  }
  return { node, table, core, problems, draft, publish }
}

await t.test('whole SSTables and other files are deleted that lie there as they were uploaded', async t => {
  const { node, table, core, draft, publish, problems } = await settled(t)
  const made = draft()
  t.same(made.leaving.map(({ name }) => name).sort(), ['nb-1-big', 'nb-2-big', 'plain'])
  t.ok([...made.state.sets.values()].every(({ kept }) => kept))
  t.equal(table.names().length, 17, 'nothing is deleted before the manifest that marks it is in the bucket')
  core.failed(made)
  publish(draft())
  t.same(table.names(), [])
  node.scan('rescan', table)
  await node.quiet()
  table.set('nb-3-big')
  node.scan('rescan', table)
  await node.idle()
  const next = draft().state
  t.same([...next.sets.keys()].map(path => path.slice(-8)).sort(), ['nb-1-big', 'nb-2-big', 'nb-3-big'])
  t.same([...next.files.keys()], [join(table.path, 'plain')], 'they stay part of every restore point')
  t.same([node.errors, problems], [[], []])
})

await t.test('an SSTable is not torn apart: one file that is not in the bucket keeps all of it', async t => {
  const { table, draft, publish } = await settled(t)
  table.file('nb-1-big-Strange.db')
  table.replace('nb-2-big-Statistics.db', Buffer.from('rewritten'))
  publish(draft())
  t.ok(existsSync(join(table.path, 'nb-1-big-Data.db')))
  t.ok(existsSync(join(table.path, 'nb-2-big-Data.db')))
  t.notOk(existsSync(join(table.path, 'plain')))
})

await t.test('what changed since the draft stays', async t => {
  const { table, draft, publish } = await settled(t)
  const made = draft()
  table.replace('nb-1-big-Statistics.db', Buffer.from('rewritten'))
  writeFileSync(join(table.path, 'plain'), 'rewritten')
  publish(made)
  t.ok(existsSync(join(table.path, 'nb-1-big-Data.db')))
  t.ok(existsSync(join(table.path, 'plain')))
  t.notOk(existsSync(join(table.path, 'nb-2-big-Data.db')))
})

await t.test('a path that is used again after its SSTable was deleted has the new one', async t => {
  const { node, table, draft, publish } = await settled(t)
  publish(draft())
  for (const name of ['nb-1-big-Data.db', 'nb-1-big-TOC.txt']) node.event(join(table.path, name), 'gone')
  node.copy(table, 'nb-1-big')
  await until(() => node.in('done').length === 1)
  await node.idle()
  await turn()
  const { state } = draft()
  t.same([...state.sets.keys()].map(path => path.slice(-8)).sort(), ['nb-1-big', 'nb-2-big'])
  t.same([state.unexplained, node.errors], [[], []])
  rmSync(table.path, { recursive: true })
})
