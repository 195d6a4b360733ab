import { execFileSync } from 'node:child_process'
import { appendFileSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { BIG, BTI, TxnLog } from '../support/table.js'

await t.test('which sets count as complete', async t => {
  const node = await TestNode.create(t)
  const table = node.table()
  const complete = ['nb-1-big', 'da-2-bti', 'nb-3-big', 'nb-4-big', 'ks-t-jb-5']
  table
    .set('nb-1-big')
    .set('da-2-bti', { components: BTI, toc: null })
    .set('nb-3-big', { components: ['Data.db', 'Index.db', 'Statistics.db'], toc: null })
    .set('nb-4-big', { toc: [...BIG, 'TOC.txt', 'SAI+aa+idx+Meta.db', 'CRC.db'] })
    .set('ks-t-jb-5')
  const incomplete = [
    'nb-10-big',
    'nb-11-big',
    'da-12-bti',
    'da-13-bti',
    'nb-14-big',
    'nb-15-big',
    'nb-16-big',
  ]
  table
    .set('nb-10-big', { toc: [...BIG, 'TOC.txt', 'Unheard.db'] })
    .set('nb-11-big', { components: ['Data.db', 'Index.db'], toc: null })
    .set('da-12-bti', { components: ['Data.db', 'Partitions.db', 'Rows.db'], toc: null })
    .set('da-13-bti', { components: ['Data.db', 'Partitions.db', 'Statistics.db'], toc: null })
    .set('nb-14-big', { components: ['Data.db'], toc: [] })
    .set('nb-15-big', {
      components: ['Index.db', 'Statistics.db', 'Filter.db'],
      toc: ['Index.db', 'Statistics.db'],
    })
  const other = node.table('ks/other').set('nb-1-big')
  mkdirSync(join(table.path, 'nb-16-big-Data.db'))
  table.set('nb-16-big', { components: ['Index.db', 'Statistics.db'], toc: BIG })
  const { code, log } = await node.run(['-v', '-r', '-B'])
  t.equal(code, 1)
  for (const set of incomplete) {
    t.match(log, new RegExp(`WARNING ${join(table.path, set)} is incomplete`))
    for (const name of table.names(set)) t.notOk(log.includes(`Uploading ${join(table.path, name)}`), name)
  }
  for (const set of complete) await node.same(t, table.paths(set))
  t.same((await node.listing(table.path))?.names, complete.flatMap(set => table.names(set)).sort())
  t.same((await node.listing(other.path))?.names, other.names())
  t.match(log, new RegExp(` ${complete.flatMap(set => table.names(set)).length + 8} files`))
})

await t.test('what transaction logs say decides', async t => {
  const node = await TestNode.create(t)
  const table = node.table()
  for (const generation of [1, 2, 3, 4, 5]) table.set(`nb-${generation}-big`)
  new TxnLog(table.path, 'compaction').add('nb-3-big').remove('nb-1-big').remove('nb-2-big').commit()
  new TxnLog(table.path, 'flush').add('nb-4-big')
  const { code, log } = await node.backUp()
  t.equal(code, 0, log)
  t.match(log, new RegExp(`INFO ${join(table.path, 'nb-4-big')} is left out: Cassandra is still writing it`))
  const live = ['nb-3-big', 'nb-5-big'].flatMap(set => table.names(set))
  t.same((await node.listing(table.path))?.names, live)
  const listing = node.key(join(table.path, 'nb-5-big-Data.db-listdir.json'))
  t.same(await node.keys(), [...live.map(name => node.key(join(table.path, name))), listing].sort())
})

await t.test('a commit whose output cannot go up brings no listing', async t => {
  const node = await TestNode.create(t)
  const table = node.table()
  for (const generation of [1, 2]) table.set(`nb-${generation}-big`)
  table.set('nb-3-big', { toc: [...BIG, 'TOC.txt', 'Unheard.db'] })
  new TxnLog(table.path, 'compaction').add('nb-3-big').remove('nb-1-big').commit()
  const { code, log } = await node.backUp()
  t.equal(code, 1, log)
  t.equal(await node.listing(table.path), undefined)
})

await t.test('what is no regular file stops nothing', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  const regular = table.names()
  execFileSync('mkfifo', ['fifo', 'nb-1-big-SAI.db', 'nb-2-big-TOC.txt', 'nb_txn_flush_x.log'], {
    cwd: table.path,
  })
  table.set('nb-2-big', { toc: null })
  const socket = createServer().listen(join(table.path, 'nb-1-big-Socket.db'))
  t.teardown(() => socket.close())
  mkdirSync(join(table.path, 'nb-9-big-Data.db'))
  symlinkSync('nowhere', join(table.path, 'dangling'))
  symlinkSync('loop', join(table.path, 'loop'))
  symlinkSync('nb-1-big-Data.db', join(table.path, 'link'))
  symlinkSync('.', join(table.path, 'here'))
  const { code, log } = await node.backUp()
  t.equal(code, 1)
  for (const name of ['dangling', 'loop'])
    t.match(log, `ERROR ${join(table.path, name)} is a symbolic link that leads nowhere`)
  t.equal(log.match(/ ERROR /g)?.length, 2, 'nothing else is an error')
  t.match(log, / 2 failed/)
  const second = BIG.map(component => `nb-2-big-${component}`)
  await node.same(
    t,
    [...regular, 'link', ...second].map(name => join(table.path, name)),
  )
  t.notMatch(await node.keys(), /here|fifo|dangling|Socket|SAI/)
})

await t.test('snapshots/ and backups/ only when asked for, or named', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big')
  const snapshot = node.table('ks/t/snapshots/tag')
  const backups = node.table('ks/t/backups')
  const staging = node.table('.tablesnap-restore/x')
  staging.file('f')
  for (const name of table.names()) linkSync(join(table.path, name), join(snapshot.path, name))
  snapshot.file('manifest.json')
  backups.set('nb-1-big')
  const count = async () => (await node.keys()).filter(key => !key.endsWith('-listdir.json')).length
  await node.backUp()
  t.equal(await count(), 8)
  await node.backUp([], [snapshot.path])
  await node.same(t, snapshot.paths())
  t.equal(await count(), 8 + 9)
  await node.backUp(['--include-backups'])
  t.equal(await count(), 8 + 9 + 8)
  const all = await node.backUp(['--include-snapshots', '--include-backups'])
  t.match(all.log, /Uploaded 0 files/)
})

await t.test('-e and -i hold for sets, too', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big').set('nb-2-big', { toc: null })
  table.file('keep.me')
  table.file('nb-1-big-Data.db-listdir.json')
  table.file('nb-3-big-Statistics.db.tmp')
  table.file('ks-t-tmp-jb-1-Data.db')
  const { code, log } = await node.backUp(['-e', 'Index\\.db$', '-e', 'nb-1-big-F'], [table.path])
  t.equal(code, 0, log)
  const wanted = table
    .names()
    .filter(name => !/Index\.db$|nb-1-big-F|listdir|tmp/.test(name))
    .map(name => node.key(join(table.path, name)))
  t.same(
    (await node.keys()).filter(key => !key.endsWith('-listdir.json')),
    wanted,
  )
  const only = await node.backUp(['-i', 'nb-2-.*Index', '-p', 'i/'], [table.path])
  t.equal(only.code, 0, only.log)
  t.same(await node.keys('i/'), [`i/${node.key(join(table.path, 'nb-2-big-Index.db'))}`])
})

await t.test('sets that Cassandra replaces during the backup', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big').set('nb-2-big')
  const dropped = node.table('ks/dropped').set('nb-1-big')
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  const cli = new Cli([...node.args(['-r', '-B']), '--settle', '1000'])
  await until(() =>
    node.bucket.server.requests.some(({ operation, status }) => operation === 'ListObjectsV2' && status > 0),
  )
  // The scan follows at once; what it found is opened when it has been quiet for a second.
  await sleep(300)
  table.set('nb-3-big')
  table.delete('nb-1-big')
  table.delete('nb-2-big')
  rmSync(dropped.path, { recursive: true })
  t.equal(await cli.exit, 0, cli.stderr)
  t.same(await node.listing(table.path), { dataName: 'nb-3-big-Data.db', names: table.names() })
  await node.same(t, table.paths())
  t.equal(await node.listing(dropped.path), undefined)
})

await t.test('a file that does not come to rest is named, and does not hold up the end', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  const log = table.file('busy.txt')
  table.file('calm')
  const timer = setInterval(() => appendFileSync(log, 'x'), 10)
  const { code, log: text } = await node.backUp(['--settle', '200'], [table.path])
  clearInterval(timer)
  t.equal(code, 1)
  t.match(text, /WARNING .*busy.txt is incomplete: it is still being written/)
  t.same(await node.keys(), [node.key(join(table.path, 'calm'))])
  writeFileSync(log, 'at last')
  t.equal((await node.backUp([], [table.path])).code, 0)
  await node.same(t, table.paths())
})
