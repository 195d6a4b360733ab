import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import t, { type Test } from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { takeLock } from '../../src/restore/place/lock.js'
import { COMPONENTS, TABLE, World, leftovers } from './support.js'

const world = await World.start(t)

/** Sets that are wholly there, and whether there are any files of others. */
function sets(): { whole: string[]; broken: string[] } {
  const found = new Map<string, number>()
  for (const path of Object.keys(world.tree())) {
    const set = /nb-\d+-big/.exec(path)?.[0] ?? path
    found.set(set, (found.get(set) ?? 0) + 1)
  }
  const of = (whole: boolean) =>
    [...found].filter(([, files]) => (files === COMPONENTS.length) === whole).map(([set]) => set)
  return { whole: of(true), broken: of(false) }
}

async function withSets(count: number): Promise<void> {
  await world.reset()
  for (let set = 1; set <= count; set++) await world.putSet(`nb-${set}-big`)
}

await t.test(
  'a signal stops the transfer: whole sets stay, staging goes; the next run brings the rest',
  async t => {
    await withSets(12)
    const controller = new AbortController()
    let arrived = 0
    const onLine = (line: string): void => {
      if (line.startsWith('Finished downloading') && ++arrived === 40) controller.abort(new Error('stopped'))
    }
    const summary = await world.restore({ signal: controller.signal, onLine })
    t.match(summary, { aborted: true, exitCode: 1, failed: 0 })
    const { whole, broken } = sets()
    t.same(broken, [])
    t.ok(whole.length < 12, `${whole.length} sets are there`)
    t.equal(summary.sets, whole.length)
    t.same(leftovers(world.target), [])
    t.notOk(world.log.like(/^error/).length, 'what was cut off is no failure of a file')
    t.match(await world.restore(), { exitCode: 0, sets: 12 - whole.length, skipped: whole.length * 8 })
    t.equal(sets().whole.length, 12)
  },
)

await t.test('a signal does not wait for a server that is silent', async t => {
  await withSets(1)
  world.server.faults.add({ on: 'GetObject', key: /Index/, count: Infinity, fault: faults.silence() })
  const controller = new AbortController()
  const began = performance.now()
  const run = world.restore({ signal: controller.signal })
  await sleep(200)
  controller.abort(new Error('stopped'))
  t.match(await run, { aborted: true, sets: 0 })
  t.ok(performance.now() - began < 8_000)
  t.same(readdirSync(world.target), [])
  await world.renew()
})

/** Starts a restore in a process of its own that hangs, and kills it. */
async function killed(t: Test): Promise<void> {
  const rule = world.server.faults.add({
    on: 'GetObject',
    key: /nb-3-big-Index/,
    count: Infinity,
    fault: faults.silence(),
  })
  const script = fileURLToPath(new URL('./child.js', import.meta.url))
  const child = spawn(
    '/usr/bin/env',
    ['-u', 'NODE_OPTIONS', process.execPath, script, world.endpoint, world.target],
    { stdio: 'ignore' },
  )
  const ended = new Promise(resolve => child.on('exit', resolve))
  for (let tries = 0; rule.hits === 0 && tries < 400; tries++) await sleep(25)
  t.ok(rule.hits > 0)
  t.equal(leftovers(world.target).length, 1)
  await t.rejects(world.restore(), {
    code: 'RESTORE_RUNNING',
    message: new RegExp(`process ${child.pid ?? 0}`),
  })
  child.kill('SIGKILL')
  await ended
  rule.remove()
}

await t.test('kill -9 leaves whole sets and staging, which the next run removes', async t => {
  await withSets(3)
  await killed(t)
  t.ok(existsSync(join(world.target, '.tablesnap-restore', 'lock')))
  const { broken } = sets()
  t.ok(broken.every(path => path.startsWith('/.tablesnap-restore/')))
  t.match(await world.restore(), { exitCode: 0 })
  t.equal(sets().whole.length, 3)
  t.same(leftovers(world.target), [])
})

await t.test('locks', async t => {
  const directory = join(world.directory, 'locked')
  const release = await takeLock(directory)
  await t.rejects(takeLock(directory), { code: 'RESTORE_RUNNING' })
  await release()
  const again = await takeLock(directory)
  await again()
  for (const [what, stale] of Object.entries({
    'of another boot': { pid: process.pid, start: '1', boot: 'other', namespace: '' },
    'cut off': '',
  })) {
    writeFileSync(join(directory, 'lock'), typeof stale === 'string' ? stale : JSON.stringify(stale))
    const release = await takeLock(directory)
    t.same(readdirSync(directory), ['lock'], what)
    await release()
  }
})

await t.test('what a dead process left is removed first', async t => {
  await withSets(1)
  world.write('.tablesnap-restore/0', 'stale')
  world.write('.tablesnap-restore/lock', JSON.stringify({ pid: 1, start: '1', boot: 'other', namespace: '' }))
  t.match(await world.restore(), { exitCode: 0, sets: 1 })
  t.same(leftovers(world.target), [])
})

await t.test('a symbolic link is no staging', async t => {
  await withSets(1)
  const outside = join(world.directory, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'mine'), '')
  symlinkSync(outside, join(world.target, '.tablesnap-restore'))
  await t.rejects(world.restore(), { code: 'STAGING_FAILED', message: /is not a directory/ })
  t.same(readdirSync(outside), ['mine'])
})

await t.test('a file that appears meanwhile is not overwritten, and nothing of its set comes', async t => {
  await withSets(2)
  const onLine = (line: string): void => {
    if (line.includes('Downloading') && line.endsWith('nb-1-big-Data.db'))
      world.write(`${TABLE}/nb-1-big-Data.db`, 'Cassandra')
  }
  t.match(await world.restore({ onLine }), { exitCode: 1, sets: 1, failed: 8 })
  t.same(sets(), { whole: ['nb-2-big'], broken: ['nb-1-big'] })
  t.equal(Object.keys(world.tree()).filter(path => path.includes('nb-1-big')).length, 1)
})
