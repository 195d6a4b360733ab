import { mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { LocalS3 } from '../../dev/local-s3/index.js'
import { BucketStates } from '../support/bucket-states.js'
import { TestNode, gate, until } from '../support/node.js'
import { TxnLog } from '../support/table.js'

await t.test('a server that goes away for a while: the daemon lives, and everything arrives', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t')
  const daemon = await node.watch(t, ['-r', '-a', '--retries', '1'])
  const { port, requests } = node.bucket.server
  // A directory that could not be asked for counts as failed until it can: that is another test's.
  const asked = (): number => requests.filter(({ operation }) => operation === 'ListObjectsV2').length
  await until(() => asked() >= 3)
  await node.bucket.server.close()
  table.flush('nb-1-big').flush('nb-2-big')
  await daemon.seen(
    /WARNING The server cannot be reached; tablesnap keeps trying until it answers\. \w+: no answer/,
  )
  const server = await LocalS3.start({ directory: join(node.bucket.directory, 's3'), port })
  t.teardown(() => server.close())
  await node.listed(table.path, table.names())
  await node.same(t, table.paths())
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
  t.match(daemon.stderr, /INFO The server answers again, after \d+ s/)
  t.match(daemon.stderr, /Uploaded 16 files .* 0 failed/)
})

await t.test(
  'a daemon that starts with its clock two hours wrong backs up, and its restore points have the right time',
  async t => {
    const skew = -7_200_000
    const node = await TestNode.create(t, { now: () => Date.now() + skew })
    const table = node.table().set('nb-1-big')
    const daemon = await node.watch(t, ['-r', '-a', '-B', '--watch'])
    table.flush('nb-2-big')
    await node.listed(table.path, table.names())
    daemon.kill('SIGTERM')
    t.equal(await daemon.exit, 143)
    t.match(daemon.stderr, /WARNING this machine's clock is 120 min ahead of the server's/)
    t.notMatch(daemon.stderr, /ERROR/)
    const times = (await new BucketStates(node).all()).map(({ time }) => time)
    t.ok(times.length > 0)
    t.ok(times.every(time => Math.abs(time - (Date.now() + skew)) < 60_000))
  },
)

await t.test(
  'a bucket that is missing for a while ends no running daemon, and everything arrives',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table('ks/t').set('nb-1-big')
    const daemon = await node.watch(t, ['-r', '-a', '-B', '--watch'])
    await node.listed(table.path, table.names())
    const { faults: script } = node.bucket.server
    const missing = script.add({ count: Infinity, fault: faults.answer(404, 'NoSuchBucket') })
    table.flush('nb-2-big')
    await daemon.seen(
      /ERROR Error uploading .*404 NoSuchBucket; bucket bucket does not exist: check its name/,
    )
    missing.remove()
    await node.listed(table.path, table.names())
    await node.same(t, table.paths())
    daemon.kill('SIGTERM')
    t.equal(await daemon.exit, 143)
  },
)

await t.test('a daemon whose bucket does not exist creates it, or ends at once if it may not', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big')
  const script = node.bucket.server.faults
  const refused = script.add({
    on: 'CreateBucket',
    count: Infinity,
    fault: faults.answer(403, 'AccessDenied'),
  })
  const first = await node.run(['-r', '-a', '-B', '--watch'])
  t.equal(first.code, 1, first.log)
  t.match(
    first.log,
    /ERROR .*bucket bucket does not exist, and these credentials may not create it: check its name/,
  )
  refused.remove()
  const daemon = await node.watch(t, ['-r', '-a', '-B', '--watch'])
  await node.listed(table.path, table.names())
  t.match(daemon.stderr, /INFO Created bucket bucket in us-east-1/)
})

await t.test('a failed file is tried again while the others go on', async t => {
  const node = await TestNode.create(t)
  const bad = node.table('ks/bad')
  const good = node.table('ks/good')
  const { faults: script } = node.bucket.server
  const refused = script.add({ key: /bad.*Data\.db$/, count: 2, fault: faults.answer(403, 'AccessDenied') })
  const lists = script.add({ key: /good.*listdir/, count: 1, fault: faults.answer(403, 'AccessDenied') })
  const daemon = await node.watch(t)
  bad.flush('nb-1-big')
  await daemon.seen(/ERROR Error uploading .*bad\/nb-1-big-Data.db: PutObject: 403/)
  good.flush('nb-1-big')
  await node.listed(good.path, good.names())
  await node.listed(bad.path, bad.names())
  t.equal(refused.hits, 2)
  t.equal(lists.hits, 1)
  await node.same(t, bad.paths())
})

await t.test('files that go before they can be read are no error', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t')
  const daemon = await node.watch(t, ['-r', '-a', '-t', '1'])
  for (let generation = 1; generation <= 20; generation++) {
    table.flush(`nb-${generation}-big`)
    const txn = new TxnLog(table.path, 'compaction').remove(`nb-${generation}-big`).commit()
    table.delete(`nb-${generation}-big`)
    txn.end()
    writeFileSync(join(table.path, `plain-${generation}`), 'x')
    unlinkSync(join(table.path, `plain-${generation}`))
    mkdirSync(join(table.path, `dir-${generation}/below`), { recursive: true })
    rmSync(join(table.path, `dir-${generation}`), { recursive: true })
  }
  table.flush('nb-99-big')
  await node.listed(table.path, table.names())
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
  t.notMatch(daemon.stderr, /ERROR|WARNING/)
})

await t.test('a set deleted during its upload goes up all the same', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t')
  const { opened, open } = gate()
  node.bucket.server.faults.add({
    key: /nb-/,
    on: 'PutObject',
    count: Infinity,
    fault: faults.delay(opened),
  })
  await node.watch(t)
  table.flush('nb-1-big')
  await until(() =>
    node.bucket.server.requests.some(
      ({ operation, key }) => operation === 'PutObject' && key.includes('nb-'),
    ),
  )
  const names = table.names()
  table.delete('nb-1-big')
  open()
  await node.arrived(names.map(name => node.key(join(table.path, name))))
  for (const name of names) {
    const body = await node.body(node.key(join(table.path, name)))
    t.ok(body.equals(table.contents.get(name) ?? Buffer.of()), name)
  }
})

await t.test('a watched path that goes away is an error, and the others are watched on', async t => {
  const node = await TestNode.create(t)
  const [kept, deleted, renamed] = ['kept', 'deleted', 'renamed'].map(name => node.table(name))
  const daemon = await node.watch(t, ['-r'], [kept!.path, deleted!.path, renamed!.path])
  rmSync(deleted!.path, { recursive: true })
  await daemon.seen(
    new RegExp(
      `ERROR ${deleted!.path} is no longer watched: it was deleted; tablesnap watches it again as soon`,
    ),
  )
  renameSync(renamed!.path, `${renamed!.path}-2`)
  await daemon.seen(
    new RegExp(
      `ERROR ${renamed!.path} is no longer watched: it was renamed; tablesnap watches it again as soon`,
    ),
  )
  kept!.flush('nb-1-big')
  await node.listed(kept!.path, kept!.names())
  t.equal(daemon.stderr.match(/ERROR/g)?.length, 2)
})

await t.test('-r without -a does not follow new directories; no -r watches the path alone', async t => {
  const node = await TestNode.create(t)
  const old = node.table('ks/old')
  const deep = await node.watch(t, ['-r'])
  const flat = await node.watch(t, ['-n', 'flat'])
  const made = node.table('ks/new').flush('nb-1-big')
  old.flush('nb-1-big')
  const top = join(node.data, 'top')
  writeFileSync(top, 'x')
  await node.listed(old.path, old.names())
  await node.arrived([node.key(top), `flat:${top}`])
  for (const cli of [deep, flat]) {
    cli.kill('SIGTERM')
    t.equal(await cli.exit, 143)
  }
  t.same(await node.keys(node.key(made.path)), [])
  t.same(await node.keys('flat:'), [`flat:${top}`])
})

await t.test('--listen-events', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  const daemon = await node.watch(t, ['-r', '--listen-events', 'IN_MOVED_TO'])
  table.file('written')
  const moved = join(table.path, 'moved')
  renameSync(node.table('../outside').file('moved'), moved)
  await node.arrived([node.key(moved)])
  table.flush('nb-1-big')
  table.set('nb-2-big').replace('nb-2-big-Statistics.db', Buffer.from('by rename'))
  await node.arrived(table.paths('nb-2-big').map(path => node.key(path)))
  daemon.kill('SIGTERM')
  await daemon.exit
  t.same(
    (await node.keys()).filter(key => /written|nb-1-/.test(key) && !key.endsWith('-listdir.json')),
    [],
  )
})

await t.test(
  '-B --watch brings both, and does not take new content for what the bucket had at the start',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table('ks/t').set('nb-1-big')
    const gone = node.table('ks/gone').set('nb-1-big')
    const path = join(gone.path, 'nb-1-big-Data.db')
    t.equal((await node.backUp()).code, 0)
    rmSync(gone.path, { recursive: true })
    table.set('nb-2-big')
    const daemon = await node.watch(t, ['-v', '-r', '-a', '-B', '--watch'])
    await node.listed(table.path, table.names())
    table.flush('nb-3-big')
    // Of the same size as the objects that the LIST at the start showed.
    table.replace('nb-1-big-Statistics.db', Buffer.alloc(100, 's'))
    node.table('ks/gone').flush('nb-1-big')
    await daemon.seen(/Finished uploading .*nb-1-big-Statistics.db as another version/)
    await daemon.seen(new RegExp(`Finished uploading ${path} as another version`))
    await node.listed(table.path, table.names())
    const [version = ''] = await node.keys(`.tablesnap/node1/versions${path}~`)
    t.ok((await node.body(version)).equals(readFileSync(path)))
  },
)
