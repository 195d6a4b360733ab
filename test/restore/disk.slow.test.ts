import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { isHardlinks, tableOf } from '../../src/cassandra/table-directory.js'
import { formatBytes } from '../../src/report/format.js'
import { Owners } from '../../src/restore/place/owner.js'
import { StagingBases } from '../../src/restore/plan/file-system.js'
import { planRestore } from '../../src/restore/plan/plan.js'
import { Problems } from '../../src/restore/plan/problems.js'
import { Target } from '../../src/restore/plan/target.js'

import { LogLines, TABLE, World, config, leftovers } from './support.js'

const root = process.getuid?.() === 0
const world = await World.start(t)

/** Mounts something until the test ends; false where we may not. */
function mount(t: Test, directory: string, ...args: string[]): boolean {
  mkdirSync(directory, { recursive: true })
  try {
    execFileSync('mount', [...args, directory], { stdio: 'ignore' })
  } catch {
    return false
  }
  t.teardown(() => execFileSync('umount', ['-l', directory]))
  return true
}

const tmpfs = (t: Test, directory: string, size = '4m') =>
  mount(t, directory, '-t', 'tmpfs', '-o', `size=${size}`, 'none')

/** Root in a container may not. */
function cannotMount(t: Test): void {
  t.pass('cannot mount here', { skip: true })
}

await t.test('space', t => {
  const problems = new Problems({ force: false, replace: false, partial: false })
  problems.space({ base: '/x', needed: 1000, staged: 0, free: 1010 })
  t.equal(problems.found.length, 0)
  problems.space({ base: '/x', needed: 1000, staged: 0, free: 1009 })
  t.match(problems.found, [{ code: 'NO_SPACE', message: /needs 1000 B, and 1009 B are free/ }])
  t.end()
})

await t.test(
  'not enough space is an error before the first byte',
  { skip: !root && 'needs root' },
  async t => {
    await world.reset()
    if (!tmpfs(t, world.target, '1m')) {
      cannotMount(t)
      return
    }
    await world.put('node1:/large', Buffer.alloc(1_100_000))
    world.server.requests.length = 0
    await t.rejects(world.restore(), {
      code: 'NO_SPACE',
      message: /needs 1\.1 MiB, and 1\.0 MiB are free; make room for 62\.8 KiB more/,
    })
    t.notOk(
      world.server.requests.some(({ operation, key }) => operation === 'GetObject' && !key.endsWith('.json')),
    )
    t.same(readdirSync(world.target), [])
    const plan = await world.restore({ dryRun: true })
    t.equal(plan.exitCode, 1)
    t.equal(world.log.like(/^info Would restore nothing: 1 error is above$/).length, 1)
  },
)

await t.test('a disk that fills up meanwhile stops the rest', { skip: !root && 'needs root' }, async t => {
  await world.reset()
  if (!tmpfs(t, world.target, '1m')) {
    cannotMount(t)
    return
  }
  for (let i = 0; i < 50; i++) await world.put(`node1:/file${i}`, Buffer.alloc(10_000, i))
  const onLine = (line: string): void => {
    if (line.startsWith('Restoring')) world.write('other', 'x'.repeat(900_000))
  }
  const summary = await world.restore({ onLine })
  t.equal(summary.exitCode, 1)
  t.equal(summary.files + summary.failed, 50)
  t.same(world.log.like(/^error Error downloading/), [], 'one cause is one line')
  t.equal(world.log.like(/^error Nothing more is restored: cannot write .*ENOSPC/).length, 1)
  const left = `error ${summary.failed} files of ${formatBytes(summary.failed * 10_000)} still missing; the next run`
  t.ok(world.log.lines.some(line => line.startsWith(left)))
  rmSync(join(world.target, 'other'))
  t.match(await world.restore(), { exitCode: 0, files: summary.failed, skipped: summary.files })
  t.same(leftovers(world.target), [])
})

await t.test(
  'a disk without inodes stops the rest with one line',
  { skip: !root && 'needs root' },
  async t => {
    await world.reset()
    for (let i = 0; i < 4; i++) await world.put(`node1:/a/b/c/d/e/${i}/file`, Buffer.alloc(10, i))
    let isMounted = true
    // Staging and files need some: directories fail at each depth.
    for (let inodes = 4; inodes <= 14; inodes++) {
      const target = join(world.directory, `inodes${inodes}`)
      isMounted = mount(t, target, '-t', 'tmpfs', '-o', `nr_inodes=${inodes}`, 'none')
      if (!isMounted) break
      const error = await world.restore({ target }).then(
        () => undefined,
        (error: unknown) => String(error),
      )
      const told = world.log.like(/^error .*ENO/).concat(error ?? [])
      t.equal(told.length, 1, `${inodes} inodes: ${told.join('\n')}`)
      t.match(told[0], /ENOSPC: no space left on device/)
    }
    if (!isMounted) cannotMount(t)
  },
)

await t.test(
  'staging is on the file system of what is restored',
  { skip: !root && 'needs root' },
  async t => {
    await world.reset()
    const data = join(world.target, '/var/lib/cassandra/data')
    const bound = join(world.target, '/var/lib/cassandra/bound')
    const keyspace = join(world.target, '/mnt/data/ks1')
    const real = join(world.directory, 'real')
    mkdirSync(real)
    if (!tmpfs(t, data) || !tmpfs(t, keyspace) || !mount(t, bound, '--bind', real)) {
      cannotMount(t)
      return
    }
    await world.putSet('nb-1-big')
    await world.putSet('nb-1-big', { directory: '/mnt/data/ks1/t1' })
    await world.putSet('nb-1-big', { directory: '/var/lib/cassandra/bound/ks/t' })
    await world.put('node1:/etc/passwd', 'x')
    const plan = await planRestore(config(world.target), {
      client: world.client,
      engine: world.engine,
      node: { name: 'node1' },
      log: world.log,
    })
    t.same(
      new Map(plan.sets.map(({ origin, base }) => [origin, base])),
      new Map([
        [TABLE, data],
        ['/mnt/data/ks1/t1', keyspace],
        ['/var/lib/cassandra/bound/ks/t', bound],
        ['/etc', world.target],
      ]),
    )
    t.match(await world.restore(), { exitCode: 0, files: 25 })
    t.equal(Object.keys(world.tree()).length, 25)
    t.same(leftovers(world.target), [])
  },
)

await t.test('nothing is staged where Cassandra looks, as long as there is another place', async t => {
  await world.reset()
  const target = new Target(world.target)
  mkdirSync(join(world.target, TABLE), { recursive: true })
  const place = await target.place(TABLE)
  if (typeof place === 'string') return void t.fail(place)
  t.equal(await new StagingBases(target, [place]).baseOf(place), world.target)
  const keyspace = new Target(join(world.target, TABLE, '..'))
  const below = await keyspace.place('/t1-0a1b2c3d4e5f60718293a4b5c6d7e8f9')
  if (typeof below === 'string') return void t.fail(below)
  t.equal(await new StagingBases(keyspace, [below]).baseOf(below), keyspace.root, 'there is no other')
  t.equal(tableOf('/d/ks/t-1/.idx'), '/d/ks/t-1')
  t.equal(tableOf('/d/ks/t-1/snapshots/now/.idx'), '/d/ks/t-1')
  t.equal(tableOf('/d/ks/t-1/backups'), '/d/ks/t-1')
  t.ok(isHardlinks('/d/ks/t/backups/.idx'))
  t.notOk(isHardlinks(`/d/snapshots/t1-${'0'.repeat(32)}`), 'a keyspace called snapshots')
})

await t.test('a target that cannot be written to', { skip: !root && 'needs root' }, async t => {
  await world.reset()
  if (!mount(t, world.target, '-t', 'tmpfs', '-o', 'ro', 'none')) {
    cannotMount(t)
    return
  }
  await world.put('node1:/x', 'x')
  await t.rejects(world.restore(), { code: 'TARGET_NOT_WRITABLE' })
})

await t.test('owners and modes as they were', { skip: !root && 'needs root' }, async t => {
  await world.reset()
  const stat = (more: object) => ({
    metadata: {
      stat: JSON.stringify({
        user: 'no such user',
        group: 'no such group',
        uid: 12345,
        gid: 54321,
        mode: 0o104640,
        ...more,
      }),
    },
  })
  await world.put('node1:/data/ks/t/file', 'x', stat({}))
  await world.put('node1:/data/ks/t/named', 'x', stat({ user: 'nobody', group: 'tty' }))
  await world.put('node1:/data/ks/t/plain', 'x')
  await world.put('node1:/data/ks/t/odd', 'x', { metadata: { stat: '{"uid": -1, "gid": "0", "mode": 0' } })
  mkdirSync(join(world.target, 'data'))
  chownSync(join(world.target, 'data'), 777, 778)
  t.match(await world.restore(), { exitCode: 0 })
  const owner = (path: string) => {
    const { uid, gid, mode } = statSync(join(world.target, path))
    return [uid, gid, mode & 0o7777]
  }
  const idOf = (file: string, name: string) =>
    Number(
      readFileSync(file, 'utf8')
        .split('\n')
        .find(line => line.startsWith(`${name}:`))
        ?.split(':')[2],
    )
  t.same(owner('/data/ks/t/file'), [12345, 54321, 0o640], 'no set-user-id bit')
  t.same(owner('/data/ks/t/named'), [idOf('/etc/passwd', 'nobody'), idOf('/etc/group', 'tty'), 0o640])
  t.same(owner('/data/ks/t/plain').slice(0, 2), [777, 778])
  t.same(owner('/data/ks/t/odd').slice(0, 2), [777, 778])
  t.same(owner('/data').slice(0, 2), [777, 778], 'a directory that was there is left alone')
  t.ok([12345, 777, idOf('/etc/passwd', 'nobody')].includes(owner('/data/ks')[0] ?? 0))
  t.same(owner('/data/ks')[2], 0o755)
})

await t.test('without root owners stay ours, and the mode is set', async t => {
  await world.reset()
  const path = world.write('file', 'x')
  const log = new LogLines()
  const owners = new Owners(log, { root: false })
  const file = await open(path, 'r+')
  await owners.giveFile(file, { uid: 12345, gid: 12345, mode: 0o600 })
  await file.close()
  t.equal(statSync(path).uid, process.getuid?.())
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(log.lines.length, 1)
  t.match(
    log.lines[0],
    /^warn The restored files belong to this user instead of user 12345 and group 12345, .*chown them/,
  )
})
