import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { deleteSets, keep } from '../../src/backup/delete.js'
import { faults } from '../../src/local-s3/fault.js'
import { until } from '../support/node.js'
import { Recorded } from '../support/recorded.js'
import { Tracked, type TrackedOptions } from '../support/tracked.js'

const silent = () => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

async function settled(t: Parameters<typeof Recorded.create>[0], options: TrackedOptions = {}) {
  const node = new Tracked(t, { auto: true, ...options })
  const table = node.table().set('nb-1-big').set('nb-2-big')
  table.file('plain')
  node.scan('start', table)
  await until(() => [...node.tracker.in('done')].length === 3)
  const unit = node.unit()
  const problems: string[] = []
  const leave = (groups = keep(unit, unit.history?.live ?? new Set())) =>
    deleteSets(unit, groups, log, (_path, message) => void problems.push(message))
  return { node, table, unit, problems, leave }
}

await t.test('whole sets and files that lie there as they went up are marked and unlinked', async t => {
  const { table, unit, leave, node } = await settled(t)
  const marked = keep(unit, unit.history?.live ?? new Set())
  t.same(marked.map(({ name }) => name).sort(), ['nb-1-big', 'nb-2-big', 'plain'])
  t.ok(marked.every(({ sstable, stored }) => !sstable || stored?.kept === true))
  t.same(leave(marked), [])
  t.same(table.names(), [])
  node.scan('rescan', table)
  await node.quiet()
  t.same(node.live(), ['nb-1-big', 'nb-2-big'], 'they stay part of every state')
  t.same([...unit.keptFiles.keys()], [join(table.path, 'plain')])
  t.same(node.errors, [])
})

await t.test('a set is not torn apart: one file that is not in the bucket keeps all of it', async t => {
  const { table, unit, leave } = await settled(t)
  table.file('nb-1-big-Strange.db')
  table.replace('nb-2-big-Statistics.db', Buffer.from('rewritten'))
  t.same(leave(), [])
  t.ok(existsSync(join(table.path, 'nb-1-big-Data.db')))
  t.ok(existsSync(join(table.path, 'nb-2-big-Data.db')))
  t.notOk(existsSync(join(table.path, 'plain')))
  t.equal(unit.kept.size, 0)
})

await t.test('what changed since it was marked stays, and is told', async t => {
  const { table, unit, leave } = await settled(t)
  const marked = keep(unit, unit.history?.live ?? new Set())
  table.replace('nb-1-big-Statistics.db', Buffer.from('rewritten'))
  writeFileSync(join(table.path, 'plain'), 'rewritten')
  t.same(
    leave(marked)
      .map(({ name }) => name)
      .sort(),
    ['nb-1-big', 'plain'],
  )
  t.ok(existsSync(join(table.path, 'nb-1-big-Data.db')))
  t.notOk(existsSync(join(table.path, 'nb-2-big-Data.db')))
  t.same([...unit.keptFiles], [])
})

await t.test('a set that no state names is not marked, nor one that is not done', async t => {
  const { unit } = await settled(t)
  const [first] = unit.history?.live ?? []
  t.same(
    keep(unit, new Set(first === undefined ? [] : [first]))
      .map(({ name }) => name)
      .sort(),
    ['nb-1-big', 'plain'],
  )
  for (const group of unit.groups()) group.state = 'busy'
  t.same(keep(unit, unit.history?.live ?? new Set()), [])
})

await t.test('nothing is unlinked before the state that marks it is in the bucket', async t => {
  const one = await Recorded.create(t, { flags: ['--delete-on-backup'] })
  const { tracked } = one
  const table = tracked.table().set('nb-1-big')
  const rule = { key: /states/, on: 'PUT', fault: faults.answer(403, 'AccessDenied') } as const
  one.node.bucket.server.faults.add(rule)
  tracked.scan('start', table)
  await until(() => one.recorder.failed.size > 0)
  t.ok(existsSync(join(table.path, 'nb-1-big-Data.db')))
  await until(() => table.names().length === 0)
  const state = await one.newest()
  t.ok([...(state?.sets.values() ?? [])].every(({ kept }) => kept))
  t.equal(state?.sets.size, 1)
  for (const path of ['nb-1-big-Data.db']) tracked.event(join(table.path, path), 'gone')
  tracked.copy(table, 'nb-1-big')
  await tracked.quiet()
  t.same(tracked.live(), ['nb-1-big'], 'a path has one set at a time')
  t.same(tracked.errors, [])
  rmSync(table.path, { recursive: true })
})
