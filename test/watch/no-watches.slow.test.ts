import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { BucketStates } from '../support/bucket-states.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { TxnLog } from '../support/table.js'

const shell = 'echo 0 > /proc/sys/user/max_inotify_watches'
const can = spawnSync('unshare', ['--user', '--map-root-user', 'sh', '-c', shell]).status === 0
const skip = can ? false : 'needs a user namespace'
const UNIT = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

await t.test(
  '-B without inotify watches: what a compaction does meanwhile is in the restore point',
  { skip },
  async t => {
    const node = await TestNode.create(t)
    const states = new BucketStates(node)
    const table = node.table().set('nb-1-big').set('nb-2-big')
    const cli = new Cli([...node.args(['-r', '-B']), '--settle', '1000'], { watches: 0 })
    await until(() => node.bucket.server.requests.some(({ operation }) => operation === 'ListObjectsV2'))
    await sleep(300)
    const log = new TxnLog(table.path, 'compaction').add('nb-3-big')
    table.write('nb-3-big')
    log.remove('nb-1-big').remove('nb-2-big').commit()
    table.delete('nb-1-big')
    table.delete('nb-2-big')
    log.end()
    t.equal(await cli.exit, 0, cli.stderr)
    t.match(cli.stderr, /WARNING 3 of 3 directories have no inotify watch/)
    const newest = await states.newest(UNIT)
    t.same(
      [...(newest?.sets.keys() ?? [])].map(path => path.slice(-8)),
      ['nb-3-big'],
    )
    t.same(newest?.unprotected, [])
    t.same(await states.problems(await states.all()), [])
  },
)

await t.test('a daemon without inotify watches says so, and backs up what is there', { skip }, async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big')
  const cli = new Cli(node.args(['-r', '-a', '-B', '--watch']), { watches: 1 })
  t.teardown(() => cli.kill('SIGKILL'))
  await cli.seen(/Uploaded .*nb-1-big: 8 files/)
  await until(async () => (await states.newest(UNIT)) !== undefined)
  t.match(cli.stderr, /WARNING 2 of 3 directories have no inotify watch: .* scans them every minute/)
  await node.same(t, table.paths())
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
})

await t.test(
  '--check-config of a daemon fails where there are too few inotify watches',
  { skip },
  async t => {
    const node = await TestNode.create(t)
    node.table().set('nb-1-big')
    const daemon = new Cli(node.args(['--check-config', '-r', '-a']), { watches: 1 })
    t.equal(await daemon.exit, 1, daemon.stdout)
    t.match(daemon.stdout, /FAIL {2}3 watches needed, but only 1 allowed/)
    t.match(daemon.stdout, /A run would not work: 1 line with FAIL\./)
    const backup = new Cli(node.args(['--check-config', '-r', '-B']), { watches: 1 })
    t.equal(await backup.exit, 0, '-B works all the same')
    t.match(backup.stdout, /WARN {2}3 watches needed, but only 1 allowed/)
  },
)
