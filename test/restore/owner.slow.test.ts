import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { SlurpWorld, T1, tree } from '../support/slurp.js'

const root = process.getuid?.() === 0
const NOBODY = 65_534
const world = await SlurpWorld.start(t)
const { bucket } = world.bucket
const TABLE = '/data/ks/t'
const stat = { user: 'no-such-user', uid: 4321, group: 'no-such-group', gid: 1234, mode: 0o100640 }
await world.table(TABLE, 'nb-1-big', { stat: JSON.stringify(stat) })
await world.table('/data/ks/bare', 'nb-1-big')

function owner(path: string): { uid: number; gid: number; mode: number } {
  const { uid, gid, mode } = statSync(path)
  return { uid, gid, mode: mode & 0o777 }
}

function idIn(file: string, name: string): number {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find(one => one.startsWith(`${name}:`))
  return Number(line?.split(':')[2])
}

await t.test('as root', { skip: !root && 'needs root' }, async t => {
  const data = (target: string) => owner(join(target, 'nb-1-big-Data.db'))
  const cases: [string[], { uid: number; gid: number }][] = [
    [[], { uid: 4321, gid: 1234 }],
    [['-p', '-o', '77'], { uid: 4321, gid: 1234 }],
    [['-o', 'nobody'], { uid: idIn('/etc/passwd', 'nobody'), gid: 1234 }],
    [['-o', '77', '-g', 'tty'], { uid: 77, gid: idIn('/etc/group', 'tty') }],
  ]
  const runs = cases.map(async ([flags, expected]) => {
    const target = world.target()
    const { code, log } = await world.slurp([...flags, bucket, TABLE, target])
    t.equal(code, 0, log)
    t.same(data(target), { ...expected, mode: 0o640 }, flags.join(' '))
    t.match(owner(target), expected, 'the directory that was made as well')
  })
  await Promise.all(runs)
  const bare = world.target()
  const unknown = await world.slurp(['-p', bucket, '/data/ks/bare', bare])
  t.equal(unknown.code, 1)
  t.match(unknown.log, /the object has no owner in its metadata: leave out -p, or add -o for such files/)
  t.same(tree(bare), {})
  const given = await world.slurp(['-p', '-o', '5', '-g', '6', bucket, '/data/ks/bare', bare])
  t.equal(given.code, 0, given.log)
  t.match(data(bare), { uid: 5, gid: 6 })
})

await t.test('without root', { skip: !root && 'needs root' }, async t => {
  chmodSync(world.bucket.directory, 0o755)
  const open = () => {
    const target = world.target()
    mkdirSync(target)
    chmodSync(target, 0o777)
    return target
  }
  const as = { id: NOBODY }
  const plain = open()
  const first = await world.slurp([bucket, TABLE, plain], as)
  t.equal(first.code, 0, first.log)
  t.match(owner(join(plain, 'nb-1-big-Data.db')), { uid: NOBODY, mode: 0o640 })

  const other = await world.slurp(['-o', 'root', bucket, TABLE, open()], as)
  t.equal(other.code, 2)
  t.equal(other.log, 'tableslurp: -o/--owner: only root may give files to another user\n')
  const group = await world.slurp(['-g', '0', bucket, TABLE, open()], as)
  t.equal(group.code, 2)
  t.match(group.log, /-g\/--group: only root may give files to a group that is not ours/)
  const self = await world.slurp(['-o', String(NOBODY), '-g', String(NOBODY), bucket, TABLE, open()], as)
  t.equal(self.code, 0, self.log)

  const target = open()
  const preserved = await world.slurp(['-p', bucket, T1, target], as)
  t.equal(preserved.code, 1)
  t.match(preserved.log, /cannot give files to user 0 and group 0 .*: run as root, or leave out -p/)
  t.same(tree(target), {})
})

await t.test('names that are none', async t => {
  const user = await world.slurp(['-o', 'no-such-user', bucket, T1, '/x'])
  t.equal(user.code, 2)
  t.equal(
    user.log,
    'tableslurp: -o/--owner: there is no user "no-such-user" in /etc/passwd; give its number\n',
  )
  t.equal((await world.slurp(['-g', 'no-such-group', bucket, T1, '/x'])).code, 2)
})
