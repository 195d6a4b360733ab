import t from 'tap'

import { run } from '../support/slurp.js'
import { ChopNode } from '../retention/support.js'

await t.test('the command line of tablechop, the former one included', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const table = await world.replacedTable()
  const { endpoint } = node.bucket.server
  const former = [
    '-j',
    '5',
    '-k',
    'testkey',
    '--secret',
    'testsecret',
    '--aws-region',
    'us-east-1',
    '-n',
    'node1',
  ]
  const flags = [...former, '--endpoint-url', endpoint, '--max-delete-percent', '60']
  const chop = (...args: string[]) => run('tablechop', [...flags, ...args])
  const before = (await node.bucket.list()).length

  const flat = await chop('bucket', node.data, '0')
  t.equal(flat.code, 1)
  t.match(flat.log, /the bucket has nothing of node1 that lies in .*data; -r takes all that is below it/)

  const dry = await chop('-r', '-d', '-l', 'bucket', node.data, '0')
  t.equal(dry.code, 0, dry.log)
  t.match(
    dry.stdout,
    /^ks\.t \(.*\): keeps 1 restore point \(newest 1, newest complete 1, at the cutoff 1\) and 9 objects \(.*KiB\); 1 restore point and 9 objects \(.*KiB\) go$/m,
  )
  t.match(
    dry.stdout,
    /^Nothing was changed: at an age of 0 s 9 objects \(.*\) and 1 restore point would go and save less than 0\.01 US\$ a month at S3's list price$/m,
  )
  const young = await chop('-r', '-d', 'bucket', node.data, '30')
  t.match(young.stdout, /^Nothing was changed: at an age of 30 days nothing would go$/m)
  t.equal(dry.log.match(/To be deleted later: /g)?.length, 10)
  t.equal((await node.bucket.list()).length, before)

  const plan = await chop('-r', 'bucket', node.data, '0')
  t.equal(plan.code, 0, plan.log)
  t.match(plan.stdout, /^Deleted 0 objects.*\nPlanned 10 objects: the next run deletes them/m)
  const early = await chop('-r', 'bucket', node.data, '0')
  t.match(early.stdout, /^A plan waits: .* may go; a run after 20.*Z deletes what it names$/m)

  const table1 = await chop('--now', '--grace', '2s', '--force', 'bucket', table.path, 'PT0S')
  t.equal(table1.code, 0, table1.log)
  t.match(table1.log, /tablechop carries out the plan in \d s/)
  t.match(table1.stdout, /^Deleted 10 objects/m)
  t.notOk((await node.bucket.list()).some(({ key }) => key.includes('nb-1-')))
})

await t.test('what tablechop refuses', async t => {
  const refused = async (pattern: RegExp, ...args: string[]): Promise<void> => {
    const { code, log } = await run('tablechop', ['-k', 'K', '-s', 'S', '-n', 'node1', ...args])
    t.equal(code, 2, log)
    t.match(log, pattern)
  }
  const [help, missing] = await Promise.all([
    run('tablechop', ['--help']),
    run('tablechop', ['bucket', '/data']),
    refused(/unknown flag -x\. See tablechop --help/, '-x', 'bucket', '/data', '30'),
    refused(/age.*"-5" is not days/, 'bucket', '/data', '--', '-5'),
    refused(/age.*"soon" is not days, or a time such as 30d/, 'bucket', '/data', 'soon'),
    refused(/the path .* begins with \//, 'bucket', 'data', '30'),
    refused(/--grace: .*give 5m or more, or --force/, '--grace', '1m', 'bucket', '/data', '30'),
    refused(/--keep-daily: "x" is no whole number/, '--keep-daily', 'x', 'bucket', '/data', '30'),
    refused(/--now and --dry-run/, '--now', '-d', 'bucket', '/data', '30'),
  ])
  t.equal(help.code, 0)
  t.match(help.stdout, /^Usage: tablechop \[options\] <bucket> <path> <age>\n\nDeletes objects/)
  t.equal(missing.code, 255)
})
