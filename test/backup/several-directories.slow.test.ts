import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { BucketStates } from '../support/bucket-states.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { Table } from '../support/table.js'

const UNIT = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

/** A node with two data directories of one table, the second one on another file system. */
async function twoDirectories(t: Test) {
  const node = await TestNode.create(t)
  const second = existsSync('/dev/shm')
    ? mkdtempSync('/dev/shm/tablesnap-test-')
    : join(node.bucket.directory, 'data2')
  t.teardown(() => rmSync(second, { recursive: true, force: true }))
  const tables = [node.table(UNIT).set('nb-1-big'), new Table(join(second, UNIT)).set('nb-2-big')] as const
  const states = new BucketStates(node)
  const newest = async () => {
    const state = await states.newest(UNIT)
    return {
      sets: [...(state?.sets.keys() ?? [])].map(path => path.slice(path.lastIndexOf('/') + 1)).sort(),
      unprotected: state?.unprotected,
      unexplained: state?.unexplained,
    }
  }
  const whole = (...sets: string[]) => ({ sets, unprotected: [], unexplained: [] })
  return { node, second, tables, states, newest, whole }
}

await t.test('one -B line for each data directory adds up to whole tables, in any order', async t => {
  const { node, second, tables, states, newest, whole } = await twoDirectories(t)
  t.match(await node.backUp([], [node.data]), { code: 0 })
  const ran = await node.backUp([], [second])
  t.match(ran, { code: 0, log: /is another data directory of this node/ })
  t.same(await newest(), whole('nb-1-big', 'nb-2-big'))
  tables[0].set('nb-3-big')
  tables[1].set('nb-4-big')
  t.match(await node.backUp([], [second]), { code: 0 })
  t.same(await newest(), whole('nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big'))
  tables[0].delete('nb-1-big')
  t.match(await node.backUp([], [second, node.data]), { code: 0 })
  t.match(await node.backUp([], [node.data, second]), { code: 0 }, 'the writer is the same')
  t.same(await newest(), whole('nb-2-big', 'nb-3-big', 'nb-4-big'))
  t.same(await states.problems(await states.all()), [])
  const target = join(node.bucket.directory, 'restored')
  t.match(await node.run(['-D'], [target]), { code: 0 })
  t.ok(existsSync(join(target, second, UNIT, 'nb-4-big-Data.db')))
})

await t.test('--delete-on-backup deletes nothing outside its paths', async t => {
  const { node, second, tables } = await twoDirectories(t)
  await node.backUp([], [node.data])
  await node.backUp(['--delete-on-backup'], [second])
  t.same(tables[0].names('nb-1-big').length > 0, true)
  t.ok(existsSync(join(tables[0].path, 'nb-1-big-Data.db')))
})

await t.test(
  'a directory that was copied, and the one that it was copied from, are not one table',
  async t => {
    const { node, second, tables, newest, whole } = await twoDirectories(t)
    tables[1].delete('nb-2-big')
    await node.backUp([], [node.data])
    tables[1].set('nb-1-big')
    t.match(await node.backUp([], [second]), { code: 1, log: /is not watched, and has SSTables/ })
    t.match(await node.backUp([], [second]), { code: 0 })
    t.same(await newest(), whole('nb-1-big'))
  },
)

await t.test('a data directory that is reached by another path is the same one', async t => {
  const { node, tables, newest, whole } = await twoDirectories(t)
  const link = join(node.bucket.directory, 'link')
  symlinkSync(node.data, link)
  t.match(await node.backUp([], [link]), { code: 0 })
  tables[0].set('nb-3-big')
  t.match(await node.backUp([], [node.data]), { code: 0 })
  t.same(await newest(), whole('nb-1-big', 'nb-3-big'))
})

await t.test(
  'a data directory that was moved is named by every run, with the line that accepts it',
  async t => {
    const { node, newest, whole } = await twoDirectories(t)
    const second = new Table(join(node.data, 'ks/u-0a1b2c3d4e5f60718293a4b5c6d7e8f9')).set('nb-9-big')
    await node.backUp()
    const moved = join(node.bucket.directory, 'moved')
    renameSync(node.data, moved)
    const said = /ERROR data directory \S+\/data is missing: .*run once: (tablesnap .*), and start it again/g
    for (const attempt of [1, 2]) {
      const ran = await node.backUp([], [moved])
      t.equal(ran.code, 1, `-B, attempt ${attempt}`)
      t.equal(ran.log.match(said)?.length, 1, 'one line for both tables')
    }
    const daemon = await node.watch(t, ['-r', '-a', '-B', '--watch'], [moved])
    await daemon.seen(new RegExp(said.source))
    daemon.kill('SIGTERM')
    await daemon.exit
    t.same((await newest()).unexplained?.length, 1)
    const [, line = ''] = new RegExp(said.source).exec(daemon.stderr) ?? []
    const [, ...words] = line.split(' ')
    const cli = new Cli(['-k', 'testkey', '-s', 'testsecret', '--settle', '100', ...words])
    t.equal(await cli.exit, 0, cli.stderr)
    t.same(await newest(), whole('nb-1-big'))
    const target = join(node.bucket.directory, 'restored')
    mkdirSync(target)
    t.match(await node.run(['-D'], [target]), { code: 0 })
    t.ok(existsSync(join(target, second.path.replace(node.data, moved), 'nb-9-big-Data.db')))
    const after = await node.watch(t, ['-r', '-a', '-B', '--watch'], [moved])
    new Table(join(moved, UNIT)).set('nb-5-big')
    await until(async () => (await newest()).sets.includes('nb-5-big'))
    t.notMatch(after.stderr, /ERROR/)
  },
)
