import { randomBytes } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { TestNode } from '../support/node.js'
import { Table, TxnLog } from '../support/table.js'

// One daemon for all of it, as on a node; every test has a directory of its own.
const node = await TestNode.create(t)
const outside = new Table(join(node.bucket.directory, 'outside'))
const before = node.table('ks/before').set('nb-1-big')
const daemon = await node.watch(t, ['-v', '-r', '-a'])

await t.test('a flush', async t => {
  const table = node.table('ks/flush').flush('nb-1-big').flush('nb-2-big')
  await node.listed(table.path, table.names())
  await node.same(t, table.paths())
  t.notOk(
    (await node.keys()).some(key => key.includes('_txn_')),
    'transaction logs stay here',
  )
})

await t.test('a set before 3.0: written under -tmp- names, then renamed', async t => {
  const table = node.table('ks/legacy')
  const staged = new Table(join(table.path, 'tmp-stage')).set('ks-t-tmp-jb-1')
  for (const name of staged.names()) {
    copyFileSync(join(staged.path, name), join(table.path, name))
    renameSync(join(table.path, name), join(table.path, name.replace('-tmp-', '-')))
  }
  await node.listed(table.path, table.names('ks-t-jb-1'))
  await node.same(t, table.paths('ks-t-jb-1'))
  t.notOk((await node.keys()).some(key => key.includes('-tmp-')))
})

await t.test('a streamed set: no TOC.txt, Statistics.db renamed into place', async t => {
  const table = node.table('ks/stream')
  const txn = new TxnLog(table.path, 'stream').add('nb-1-big')
  const open = ['Data.db', 'Index.db', 'Filter.db'].map(component =>
    openSync(join(table.path, `nb-1-big-${component}`), 'w'),
  )
  table.replace('nb-1-big-Statistics.db', randomBytes(300))
  await sleep(300)
  t.notOk((await node.keys(node.key(`${table.path}/`))).length, 'nothing of an open transaction goes up')
  for (const fd of open) {
    writeSync(fd, randomBytes(500))
    closeSync(fd)
  }
  txn.commit().end()
  await node.listed(
    table.path,
    ['Data.db', 'Filter.db', 'Index.db', 'Statistics.db'].map(name => `nb-1-big-${name}`),
  )
  await node.same(t, table.paths())
})

await t.test('a table copied in, file by file and slowly', async t => {
  const table = node.table('ks/copied')
  const source = new Table(join(outside.path, 'copied')).set('nb-1-big', { bytes: 200_000 })
  const slow = source.read('nb-1-big-Data.db')
  for (const name of source.names())
    if (!name.endsWith('Data.db')) copyFileSync(join(source.path, name), join(table.path, name))
  const fd = openSync(join(table.path, 'nb-1-big-Data.db'), 'w')
  for (let at = 0; at < slow.length; at += 20_000) {
    writeSync(fd, slow.subarray(at, at + 20_000))
    await sleep(30)
  }
  closeSync(fd)
  await node.listed(table.path, table.names())
  await node.same(t, table.paths())

  cpSync(source.path, join(node.data, 'ks2/deep/er'), { recursive: true })
  await node.listed(join(node.data, 'ks2/deep/er'), source.names())
})

await t.test('imports: renamed in, TOC.txt not last, and linked in, with CREATE alone', async t => {
  const source = new Table(join(outside.path, 'import')).set('nb-1-big').set('nb-2-big')
  const table = node.table('ks/import')
  const names = source
    .names('nb-1-big')
    .sort((a, b) => Number(b.endsWith('TOC.txt')) - Number(a.endsWith('TOC.txt')))
  for (const name of names) renameSync(join(source.path, name), join(table.path, name))
  for (const name of source.names('nb-2-big')) linkSync(join(source.path, name), join(table.path, name))
  source.file('schema.cql')
  linkSync(join(source.path, 'schema.cql'), join(table.path, 'schema.cql'))
  await node.listed(table.path, table.names())
  await node.same(t, table.paths())
})

await t.test('a tree moved in, and moved within', async t => {
  const tree = new Table(join(outside.path, 'tree/a/b')).set('nb-1-big')
  new Table(join(outside.path, 'tree/a/c')).file('plain')
  renameSync(join(outside.path, 'tree'), join(node.data, 'tree'))
  await node.listed(join(node.data, 'tree/a/b'), [...tree.contents.keys()])
  renameSync(join(node.data, 'tree/a'), join(node.data, 'tree/z'))
  const moved = node.table('tree/z/b')
  await node.listed(moved.path, moved.names())
  await node.same(t, [...moved.paths(), join(node.data, 'tree/z/c/plain')])
  moved.flush('nb-2-big')
  await node.listed(moved.path, moved.names())
})

await t.test('a directory deleted and made again with the same names', async t => {
  const table = node.table('ks/again').flush('nb-1-big')
  const path = join(table.path, 'nb-1-big-Data.db')
  const first = table.read('nb-1-big-Data.db')
  await node.listed(table.path, table.names())
  rmSync(table.path, { recursive: true })
  const made = node.table('ks/again').flush('nb-1-big')
  await daemon.seen(new RegExp(`Finished uploading ${path} as another version`))
  await daemon.seen(
    new RegExp(
      `WARNING ${table.path}: tablesnap writes no upstream listing while the bucket has other content under the key of nb-1-big-Data.db`,
    ),
  )
  t.ok((await node.body(node.key(path))).equals(first), 'the old object stays')
  const [key = ''] = await node.keys(`.tablesnap/node1/versions${path}~`)
  t.ok((await node.body(key)).equals(made.read('nb-1-big-Data.db')))
})

await t.test('components that are rewritten become versions; the listing goes on', async t => {
  const table = node.table('ks/rewritten').flush('nb-1-big')
  await node.listed(table.path, table.names())
  table.replace('nb-1-big-Statistics.db', randomBytes(400))
  rmSync(join(table.path, 'nb-1-big-Summary.db'))
  table.file('nb-1-big-Summary.db', randomBytes(50))
  for (const component of ['Statistics.db', 'Summary.db']) {
    const path = join(table.path, `nb-1-big-${component}`)
    await daemon.seen(new RegExp(`Finished uploading ${path} as another version`))
    const keys = await node.keys(`.tablesnap/node1/versions${path}~`)
    t.equal(keys.length, 1, `${component}: one version, none of a half-written file`)
    t.ok((await node.body(keys[0] ?? '')).equals(table.read(`nb-1-big-${component}`)))
  }
  table.flush('nb-2-big')
  await node.listed(table.path, table.names())
})

await t.test('files of no set: renamed in at once, others when they are quiet; empty ones, too', async t => {
  const table = node.table('ks/plain')
  renameSync(outside.file('renamed'), join(table.path, 'renamed'))
  table.file('written')
  table.file('empty', '')
  table.file('half.tmp')
  const names = ['renamed', 'written', 'empty']
  await node.arrived(names.map(name => node.key(join(table.path, name))))
  await node.same(
    t,
    names.map(name => join(table.path, name)),
  )
  mkdirSync(join(table.path, 'dir.db'))
  writeFileSync(join(table.path, 'dir.db', 'inside'), 'x')
  await node.arrived([node.key(join(table.path, 'dir.db/inside'))])
})

await t.test('snapshots and incremental backups are left out', async t => {
  const table = node.table('ks/snapped').flush('nb-1-big')
  for (const place of ['snapshots/tag', 'backups']) {
    mkdirSync(join(table.path, place), { recursive: true })
    for (const name of table.names()) linkSync(join(table.path, name), join(table.path, place, name))
  }
  table.flush('nb-2-big')
  await node.listed(table.path, table.names())
  const keys = await node.keys(node.key(`${table.path}/`))
  t.equal(keys.filter(key => !key.endsWith('-listdir.json')).length, 16)
})

await t.test('what was there before is not uploaded, but its directory is watched', async t => {
  t.same(await node.keys(node.key(`${before.path}/`)), [])
  before.flush('nb-2-big')
  await node.listed(before.path, before.names())
  await node.same(t, before.paths('nb-2-big'))
  t.notOk((await node.keys()).includes(node.key(join(before.path, 'nb-1-big-Data.db'))))
  t.match(daemon.stderr, /WARNING Upstream listings name files that existed before/)
  before.replace('nb-1-big-Statistics.db', randomBytes(10))
  await node.arrived(before.paths('nb-1-big').map(path => node.key(path)))
})

await t.test('the daemon had no trouble with any of it', async t => {
  const errors = daemon.stderr.split('\n').filter(line => line.includes(' ERROR '))
  t.same(
    errors.filter(
      line => !/(ks\/again|tree\/[az]\/b)\/nb-1-big is gone, and no transaction log says why/.test(line),
    ),
    [],
    'but that SSTables were deleted behind its back',
  )
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
})
