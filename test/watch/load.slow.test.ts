import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { TestNode } from '../support/node.js'
import { Table } from '../support/table.js'

/** Writes by which the first uploads of a run find out what the server can do. */
const PROBES = 8

function puts(node: TestNode): number {
  return node.bucket.server.requests.filter(
    ({ operation, key }) => operation === 'PutObject' && !key.startsWith('.tablesnap/'),
  ).length
}

await t.test('mkdir and rename at once, 200 times', async t => {
  const node = await TestNode.create(t)
  const staged = new Table(join(node.bucket.directory, 'staged'))
  const names = Array.from({ length: 200 }, (_, i) => `d${i}`)
  for (const name of names) staged.file(name)
  await node.watch(t)
  for (const name of names) {
    mkdirSync(join(node.data, name))
    renameSync(join(staged.path, name), join(node.data, name, 'file'))
  }
  await node.arrived(names.map(name => node.key(join(node.data, name, 'file'))))
  for (const name of names.slice(0, 5)) {
    const body = await node.body(node.key(join(node.data, name, 'file')))
    t.ok(body.equals(staged.contents.get(name) ?? Buffer.of()))
  }
  t.ok(puts(node) < 200 + PROBES, 'each of them is sent once')
})

await t.test('directories made in depth', async t => {
  const node = await TestNode.create(t)
  await node.watch(t)
  const keys: string[] = []
  for (let i = 0; i < 30; i++) {
    const directory = join(node.data, `a${i}/b/c/d`)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'file'), String(i))
    keys.push(node.key(join(directory, 'file')))
  }
  await node.arrived(keys)
  t.ok(puts(node) < keys.length + PROBES, 'each of them is sent once')
})

await t.test('2,000 small files in a burst', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t')
  const daemon = await node.watch(t)
  for (let generation = 1; generation <= 250; generation++)
    table.flush(`nb-${generation}-big`, { bytes: 300 })
  await node.listed(table.path, table.names(), 60_000)
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
  t.match(daemon.stderr, /Uploaded 2000 files .* 0 failed/)
  t.match((await node.backUp()).log, /Uploaded 0 files .* 2000 were there already; 0 failed/)
})

await t.test('an overflow of the queue: another scan finds all that was lost', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').flush('nb-1-big')
  const doomed = node.table('ks/doomed').flush('nb-1-big')
  const noise = node.table('noise')
  const daemon = await node.watch(t, ['-v', '-r', '-a', '-B', '--watch'])
  await node.listed(table.path, table.names())
  daemon.kill('SIGSTOP')
  // Files that are never uploaded, and whose events the kernel cannot merge.
  for (let i = 0; i < 6_000; i++) {
    writeFileSync(join(noise.path, `${i % 7}.tmp`), '')
    rmSync(join(noise.path, `${i % 7}.tmp`))
  }
  table.delete('nb-1-big')
  table.flush('nb-2-big').set('nb-3-big')
  const made = node.table('ks/made/deep').flush('nb-1-big')
  renameSync(made.path, join(node.data, 'ks/made/renamed'))
  rmSync(doomed.path, { recursive: true })
  node.table('ks/doomed').flush('nb-1-big')
  daemon.kill('SIGCONT')
  await daemon.seen(/WARNING the kernel dropped inotify events/)
  await node.listed(table.path, table.names())
  await node.same(t, table.paths())
  const renamed = node.table('ks/made/renamed')
  await node.listed(renamed.path, renamed.names())
  await daemon.seen(/doomed\/nb-1-big-Data.db as another version/)
  const late = node.table('ks/made/renamed/late').flush('nb-1-big')
  await node.listed(late.path, late.names())
  const errors = daemon.stderr.split('\n').filter(line => line.includes(' ERROR '))
  t.same(
    errors.filter(line => !line.includes('ks/doomed')),
    [],
    'but of the directory that another one replaced',
  )
})
