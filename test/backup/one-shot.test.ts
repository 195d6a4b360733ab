import { chmodSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { BTI } from '../support/table.js'

const isPut = ({ method }: { method: string }) => method === 'PUT' || method === 'POST'

await t.test('-B uploads byte for byte, lists last, and has nothing to do the second time', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big').set('nb-2-big').set('da-3-bti', { components: BTI })
  table.file('nb-4-big-Data.db', '')
  for (const component of ['Index.db', 'Statistics.db']) table.file(`nb-4-big-${component}`, '')
  const newest = new Date(Date.now() + 5_000)
  utimesSync(join(table.path, 'nb-2-big-Data.db'), newest, newest)
  const first = await node.run(['-r', '-B'])
  t.equal(first.code, 0, first.log)
  await node.same(t, table.paths())

  const puts = node.bucket.server.requests
    .filter(isPut)
    .map(({ key }) => key)
    .filter(key => !key.includes('/states/'))
  const listingKey = node.key(join(table.path, 'nb-2-big-Data.db-listdir.json'))
  t.equal(puts.at(-1), listingKey, 'the listing comes last')
  t.equal(puts.filter(key => key.endsWith('-listdir.json')).length, 1)
  t.same(await node.listing(table.path), { dataName: 'nb-2-big-Data.db', names: table.names() })
  const { info } = await node.bucket.get(listingKey)
  t.equal(info.size, Buffer.byteLength(JSON.stringify({ [table.path]: table.names() })), 'plain JSON')

  const path = join(table.path, 'nb-1-big-Data.db')
  const { uid, gid, mode } = statSync(path)
  const stat = JSON.parse((await node.bucket.get(node.key(path))).info.metadata['stat'] ?? '') as Record<
    string,
    unknown
  >
  t.same(Object.keys(stat), ['user', 'gid', 'group', 'uid', 'mode'])
  t.match(stat, { uid, gid, mode })
  if (uid === 0) t.match(stat, { user: 'root', group: 'root' })

  node.bucket.server.requests.length = 0
  const second = await node.backUp()
  t.equal(second.code, 0, second.log)
  t.match(second.log, /Uploaded 0 files \(0 B\) in .*; 27 were there already; 0 failed/)
  t.same(node.bucket.server.requests.filter(isPut), [], 'nothing is written')
})

await t.test('any name that UTF-8 can spell', async t => {
  const node = await TestNode.create(t)
  const names = [
    'with space',
    'a:b',
    '100%',
    '%2F',
    'a+b',
    'what?',
    '#hash',
    'ünïcödé-日本-🎉',
    'e\u0301 decomposed',
    'new\nline',
    '.hidden',
    '-dash',
    'back\\slash',
    '"quotes"',
    "it's",
    '<xml>&amp;',
    '\ufffd replaced',
    '~',
    'tab\there',
    'n'.repeat(255),
    'é'.repeat(127),
  ]
  const table = node.table('odd : %+?#\n dir/日本')
  for (const name of names) table.file(name)
  const { code, log } = await node.run(['-r', '-B'])
  t.equal(code, 0, log)
  await node.same(t, table.paths())
  const keys = new Set(await node.keys())
  for (const name of names) t.ok(keys.has(node.key(join(table.path, name))), JSON.stringify(name))
  t.equal(keys.size, names.length)
  t.equal(
    log
      .split('\n')
      .filter(line => !/^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d\d:\d\d [A-Z]+ .*)?$/.test(line)).length,
    0,
    'every message is one line',
  )
})

await t.test('a name that is not UTF-8 is named, the rest goes up', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  table.file('good')
  writeFileSync(Buffer.concat([Buffer.from(`${table.path}/bad-`), Buffer.from([0xff, 0xfe])]), 'x')
  mkdirSync(Buffer.concat([Buffer.from(`${table.path}/dir-`), Buffer.from([0xe9])]))
  const { code, log } = await node.backUp()
  t.equal(code, 1)
  t.match(log, /ERROR .*\/t\/bad-\ufffd+ cannot be backed up: its name is not UTF-8/)
  t.match(log, /ERROR .*\/t\/dir-\ufffd cannot be backed up/)
  t.same(await node.keys(), [node.key(join(table.path, 'good'))])
})

await t.test('directories below only with -r; keys are absolute however the path is written', async t => {
  const node = await TestNode.create(t)
  const top = node.table('ks').file('top')
  const below = node.table('ks/t').file('below')
  const flat = await node.run(['-B'], [`${node.data}/ks/`])
  t.equal(flat.code, 0, flat.log)
  t.same(await node.keys(), [node.key(top)])

  const cli = new Cli(node.args(['-r', '-B'], [`./${basename(node.data)}/../${basename(node.data)}//ks/`]), {
    cwd: dirname(node.data),
  })
  t.equal(await cli.exit, 0, cli.stderr)
  t.same(await node.keys(), [node.key(below), node.key(top)].sort())

  const link = join(node.bucket.directory, 'link')
  symlinkSync(node.data, link)
  const linked = await node.backUp([], [relative('/', link)])
  t.equal(linked.code, 0, linked.log)
  t.ok((await node.keys()).includes(node.key(join(link, 'ks/t/below'))), 'a symbolic link keeps its name')
})

await t.test('prefix, separator, other storage, no listing', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big')
  const flags = ['-p', 'pre/', '--keyname-separator', '|', '--without-index']
  const { code, log } = await node.backUp([...flags, '-R', '--with-sse'])
  t.equal(code, 0, log)
  t.same(
    await node.keys(),
    table.paths().map(path => `pre/node1|${path}`),
    'no listing, no other key',
  )
  const put = node.bucket.server.requests.filter(({ operation }) => operation === 'PutObject')
  for (const { headers } of put) {
    t.match(headers, {
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-server-side-encryption': 'AES256',
    })
  }
  const head = await headers(node, `pre/node1|${join(table.path, 'nb-1-big-Data.db')}`)
  t.match(head, { 'x-amz-storage-class': 'REDUCED_REDUNDANCY', 'x-amz-server-side-encryption': 'AES256' })

  const big = node.table('big')
  big.file('parts', Buffer.alloc(6 * 1024 * 1024, 'x'))
  const kms = await node.backUp(
    ['--storage-class', 'STANDARD_IA', '--sse-kms-key-id', 'key-1', '--max-upload-size', '5'],
    [big.path],
  )
  t.equal(kms.code, 0, kms.log)
  t.match(await headers(node, node.key(join(big.path, 'parts'))), {
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
  })
})

await t.test('what this user cannot read is named, the rest goes up', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big').set('nb-2-big')
  table.file('closed')
  chmodSync(join(table.path, 'closed'), 0)
  chmodSync(join(table.path, 'nb-2-big-Data.db'), 0)
  node.table('shut').file('inside')
  chmodSync(join(node.data, 'shut'), 0)
  node.table('no-search').file('inside')
  chmodSync(join(node.data, 'no-search'), 0o644)
  chmodSync(node.bucket.directory, 0o755)
  const cli = new Cli(node.args(['-r', '-B']), process.getuid?.() === 0 ? { uid: 65_534 } : {})
  const code = await cli.exit
  chmodSync(join(node.data, 'shut'), 0o755)
  chmodSync(join(node.data, 'no-search'), 0o755)
  t.equal(code, 1, cli.stderr)
  for (const path of ['t/closed', 't/nb-2-big-Data.db', 'shut', 'no-search/inside']) {
    t.match(cli.stderr, new RegExp(`ERROR ${join(node.data, path)} cannot be read by this user`))
  }
  const unread = ['closed', 'nb-2-big-Data.db'].map(name => join(table.path, name))
  await node.same(
    t,
    table.paths().filter(path => !unread.includes(path)),
  )
  t.equal(await node.listing(table.path), undefined, 'no listing of a table that is not whole')
})

async function headers(node: TestNode, key: string): Promise<Record<string, string>> {
  return (await node.bucket.client.call({ operation: 'HeadObject', method: 'HEAD', key })).headers
}
