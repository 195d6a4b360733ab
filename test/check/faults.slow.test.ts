import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'

import { CheckWorld } from './support.js'

/** One table for each fault of a table. */
const TABLES = [
  'archived',
  'ahead',
  'base',
  'bytes',
  'content',
  'lost',
  'older',
  'orphan',
  'partial',
  'size',
  'unexplained',
  'unreadable',
  'unsaved',
]

const DAY_AGO = new Date(Date.now() - 2 * 86_400_000).toISOString()

const RULES = `<LifecycleConfiguration>
<Rule><ID>tidy</ID><Status>Enabled</Status><Filter><Prefix>node1:</Prefix></Filter><Expiration><Days>90</Days></Expiration></Rule>
<Rule><ID>cold</ID><Status>Enabled</Status><Filter/><Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>
<Rule><ID>off</ID><Status>Disabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule>
<Rule><ID>others</ID><Status>Enabled</Status><Filter><Prefix>logs/</Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule>
<Rule><ID>tagged</ID><Status>Enabled</Status><Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Expiration><Days>1</Days></Expiration></Rule>
</LifecycleConfiguration>`

/** Settings of the bucket that are faults, by the request that asks for them. */
const SETTINGS = [
  ['GetBucketLifecycleConfiguration', faults.document(RULES)],
  [
    'GetBucketVersioning',
    faults.document('<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>'),
  ],
  [
    'GetObjectLockConfiguration',
    faults.document(
      '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>7</Days></DefaultRetention></Rule></ObjectLockConfiguration>',
    ),
  ],
  ['GetBucketPolicyStatus', faults.document('<PolicyStatus><IsPublic>TRUE</IsPublic></PolicyStatus>')],
  ['GetBucketEncryption', faults.answer(404, 'ServerSideEncryptionConfigurationNotFoundError')],
  [
    'ListMultipartUploads',
    faults.document(
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>node1:/data/x</Key><UploadId>u</UploadId><Initiated>${DAY_AGO}</Initiated></Upload></ListMultipartUploadsResult>`,
    ),
  ],
] as const

const FOUND = [
  '- danger fence-behind',
  '- danger lifecycle-archives',
  '- danger lifecycle-expires',
  '- danger lock-short',
  '- danger public',
  '- note foreign-keys',
  '- note not-encrypted',
  '- note unfinished-uploads',
  '- note versioning-suspended',
  'ahead danger clock-ahead',
  'archived broken object-archived',
  'base broken base-missing',
  'bytes broken object-changed',
  'content broken object-changed',
  'directory broken listing-lacks',
  'forgotten danger no-restore-point',
  'lost broken object-missing',
  'older danger object-missing',
  'orphan note orphans',
  'partial danger partial',
  'size broken object-changed',
  'unexplained danger unexplained',
  'unreadable broken manifest-unreadable',
  'unsaved danger not-backed-up',
]

await t.test('each planted fault is found, and nothing in a healthy bucket', async t => {
  const world = await CheckWorld.create(t)
  const { node } = world
  const { bucket } = node
  const orphan = async (): Promise<void> =>
    bucket.put(world.key('orphan', 'nb-9-big-Data.db'), 'nobody names it')
  await world.healthy(TABLES)

  await t.test('a healthy bucket has neither findings nor notes', async t => {
    const file = join(bucket.directory, 'check.prom')
    const flags = [
      '--deep',
      '--read',
      '100',
      '--drill',
      '3',
      '--lag',
      '0s',
      '--max-age',
      '1h',
      '--prometheus',
      file,
    ]
    const { code, kinds, units, log, stdout } = await world.check(flags)
    t.equal(code, 0, log)
    t.same(kinds, [])
    t.equal(units.length, TABLES.length)
    for (const unit of units) t.match(unit, { points: 2, restorable: 2, longestGap: { ms: Number } })
    t.match(JSON.parse(stdout), { drill: { sstables: 3, failed: 0 }, contents: { silent: 0, read: Number } })
    const metrics = readFileSync(file, 'utf8')
    t.match(metrics, /^tablecheck_exit_code\{node="node1",bucket="bucket"\} 0$/m)
    t.match(metrics, /^tablecheck_table_restore_points\{.*keyspace="ks",table="lost"\} 2$/m)
  })

  await t.test('a healthy bucket whose newest restore point is too old ends with exit code 3', async t => {
    const { code, kinds, log, stdout } = await world.check(['--max-age', '1s', '--drill', 'table'])
    t.equal(code, 3, log)
    t.same(kinds, [])
    t.match(JSON.parse(stdout), { isOld: true, drill: { sstables: 2, failed: 0 } })
  })

  await t.test('with a path it looks at that table alone', async t => {
    const { code, units, log } = await world.check([], world.table('lost').path)
    t.equal(code, 0, log)
    t.same(
      units.map(({ unit }) => unit),
      [world.unit('lost')],
    )
  })

  await t.test('--tables has a line for each table', async t => {
    const { code, stdout, log } = await world.run(['--tables'])
    t.equal(code, 0, log)
    const iso = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`
    const lines = stdout.split('\n').filter(line => line.startsWith('ks.'))
    t.equal(lines.length, TABLES.length)
    const line = new RegExp(
      `^ks.lost \\(ks/lost-\\w+\\): 2 moments from ${iso} to ${iso}, at most \\d+ s apart; 26 objects, .* KiB$`,
    )
    t.ok(
      lines.some(one => line.test(one)),
      stdout,
    )
  })

  await orphan()
  world.pass()
  world.table('orphan').flush('nb-4-big')
  await node.backUp()
  world.pass()
  const change = async (table: string, body: Buffer, headers: Record<string, string> = {}): Promise<void> =>
    bucket.put(world.key(table, 'nb-3-big-Data.db'), body, headers)
  const data = (table: string): Promise<Buffer> => node.body(world.key(table, 'nb-3-big-Data.db'))
  await bucket.delete(world.key('lost', 'nb-3-big-Data.db'))
  await bucket.delete(world.key('older', 'nb-1-big-Data.db'))
  await change('size', Buffer.from('short'))
  await change('content', Buffer.alloc((await data('content')).length))
  await change('archived', await data('archived'), { 'x-amz-storage-class': 'GLACIER' })
  await world.manifest('partial', { unprotected: [join(world.table('partial').path, 'nb-8-big')] })
  await world.manifest('unexplained', {
    epoch: 2,
    unexplained: [join(world.table('unexplained').path, 'nb-8-big')],
  })
  await world.manifest('ahead', { time: Date.now() + 86_400_000 })
  const { base } = await world.manifest('base', {}, true)
  await bucket.delete(base)
  const { key: unreadable } = await world.manifest('unreadable', {})
  await bucket.put(unreadable, 'no manifest')
  world.table('unsaved').flush('nb-5-big')
  world.table('forgotten').flush('nb-1-big')
  await bucket.put('.tablesnap/node1/states/notes.txt', 'x')
  await bucket.put('node1:/data/../escape', 'x')
  const old = '/data/old/t'
  await bucket.put(`node1:${old}/nb-1-big-Index.db`, 'x')
  await bucket.put(
    `node1:${old}/nb-1-big-Data.db-listdir.json`,
    JSON.stringify({ [old]: ['nb-1-big-Data.db', 'nb-1-big-Index.db'] }),
  )
  for (const [on, fault] of SETTINGS) bucket.server.faults.add({ on, fault, count: Infinity })
  bucket.server.faults.add({
    on: 'GetObject',
    key: world.key('bytes', 'nb-3-big-Data.db'),
    fault: faults.corrupt(7),
    count: Infinity,
  })

  await t.test('each fault is found, by a line with what mends it', async t => {
    const { code, kinds, findings, log } = await world.check([
      ...['--deep', '--read', '100', '--lag', '0s', '--retention', '30d'],
    ])
    t.equal(code, 1, log)
    t.same(kinds, FOUND)
    t.ok(FOUND.length >= 20)
    for (const { kind, message, mend } of findings) {
      t.notMatch(message, /\n/)
      t.ok(mend !== undefined && mend.length > 10, `${kind}: ${message} -> ${mend ?? ''}`)
    }
    t.equal(findings[0]?.severity, 'broken', 'the worst comes first')
  })

  await t.test('--repair uploads what is on the disk again, and nothing else', async t => {
    bucket.server.faults.clear()
    rmSync(world.table('forgotten').path, { recursive: true })
    const { kinds, log } = await world.check(['--deep', '--repair'])
    t.match(log, /Uploaded 3 objects again/)
    t.same(
      kinds.filter(kind => /object-(missing|changed)/.test(kind)),
      ['older danger object-missing'],
    )
    await node.same(t, [join(world.table('content').path, 'nb-3-big-Data.db')])
  })
})
