import { chmodSync, mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { BucketStates } from '../support/bucket-states.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { Table, TxnLog } from '../support/table.js'

const ID = '0a1b2c3d4e5f60718293a4b5c6d7e8f9'

await t.test('a keyspace and a table that are symbolic links are backed up under their paths', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const disk = join(node.bucket.directory, 'disk')
  const keyspace = new Table(join(disk, `ks2/t-${ID}`)).set('nb-1-big')
  const table = new Table(join(disk, `t3-${ID}`)).set('nb-1-big')
  mkdirSync(join(node.data, 'ks'))
  symlinkSync(join(disk, 'ks2'), join(node.data, 'ks2'))
  symlinkSync(table.path, join(node.data, `ks/t3-${ID}`))
  t.match(await node.backUp(), { code: 0, log: /Uploaded 16 files/ })
  const daemon = await node.watch(t)
  keyspace.flush('nb-2-big')
  table.flush('nb-2-big')
  const sets = async (unit: string) => [...((await states.newest(unit))?.sets.keys() ?? [])].sort()
  for (const unit of [`ks2/t-${ID}`, `ks/t3-${ID}`]) {
    await until(async () => (await sets(unit)).length === 2)
    t.same(
      await sets(unit),
      ['nb-1-big', 'nb-2-big'].map(name => join(node.data, unit, name)),
    )
  }
  // Cassandra writes the paths behind the links into its logs.
  const log = new TxnLog(keyspace.path, 'flush').add('nb-3-big')
  keyspace.write('nb-3-big')
  log.commit()
  await until(async () => (await sets(`ks2/t-${ID}`)).length === 3)
  log.end()
  t.match(await states.newest(`ks2/t-${ID}`), { unprotected: [], unexplained: [] })
  t.notMatch(daemon.stderr, /ERROR/)
  t.same(await states.problems(await states.all()), [])
})

await t.test('-B names a link that leads nowhere', async t => {
  const node = await TestNode.create(t)
  symlinkSync('/nowhere/ks', join(node.data, 'ks'))
  t.match(await node.backUp(), { code: 1, log: /data\/ks is a symbolic link that leads nowhere/ })
})

await t.test('-B without -r beside SSTables in directories below', async t => {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big').set('nb-2-big')
  const ran = await node.run(['-B'])
  t.equal(ran.code, 1)
  t.match(ran.log, /ERROR Not backed up: 16 files \([^)]+\) of 2 SSTables below \S+\/data\/ks; add -r /)
  t.equal((await node.run(['-B', '-r'])).code, 0)
})

await t.test('a path that is not there', async t => {
  const node = await TestNode.create(t)
  const path = join(node.bucket.directory, 'later')
  t.match(await node.run(['-B'], [node.data, path]), { code: 1, log: /later does not exist: check the path/ })
  t.match(await node.run(['-r'], [path]), { code: 1, log: /later does not exist: .*--wait-for-paths/ })
  const daemon = await node.watch(t, ['-r', '-a', '--wait-for-paths'], [path])
  t.match(daemon.stderr, /later is not there: tablesnap watches it as soon as it is/)
  const made = join(node.bucket.directory, 'made')
  new Table(join(made, `ks/t-${ID}`)).set('nb-1-big')
  renameSync(made, path)
  await node.arrived([node.key(join(path, `ks/t-${ID}/nb-1-big-Data.db`))])
  t.match(await node.run(['-B', '--wait-for-paths'], [path]), { code: 2, log: /works only when watching/ })
})

const isRoot = process.getuid?.() === 0

await t.test(
  'a table whose directory cannot be read is partial',
  { skip: !isRoot && 'needs root' },
  async t => {
    const node = await TestNode.create(t)
    const states = new BucketStates(node)
    const [denied, open] = [node.table().set('nb-1-big'), node.table(`ks/u-${ID}`).set('nb-1-big')]
    const run = async () => {
      const cli = new Cli(node.args(['-r', '-B']), { uid: 65_534 })
      return { code: await cli.exit, log: cli.stderr }
    }
    for (const path of [node.bucket.directory, open.path]) chmodSync(path, 0o755)
    chmodSync(denied.path, 0o700)
    t.match(await run(), { code: 1, log: /ERROR \S+\/ks\/t-\S+ cannot be read by this user/ })
    t.same((await states.newest(`ks/t-${ID}`))?.unprotected, [join(denied.path, '*')])
    t.ok((await states.newest(`ks/t-${ID}`))!.time > Date.now() - 60_000, 'it has a time all the same')
    t.same((await states.newest(`ks/u-${ID}`))?.unprotected, [])
    const listed = new Cli([...node.bucket.flags, '--list', node.bucket.bucket])
    t.equal(await listed.exit, 0)
    t.match(listed.stdout, /ks\.t .*\n.* partial .*1 missing/)
    chmodSync(denied.path, 0o755)
    t.match(await run(), { code: 0 })
    t.same((await states.newest(`ks/t-${ID}`))?.unprotected, [])
  },
)
