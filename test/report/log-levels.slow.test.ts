import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

const SSTABLES = 100

await t.test('an upload is one line for each SSTable, whatever the number of its files', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t')
  for (let n = 1; n <= SSTABLES; n++) table.set(`nb-${n}-big`)
  const dry = await node.run(['-q', '-r', '-B', '--dry-run'])
  t.same(dry, { code: 0, log: '' }, 'a quiet run that has nothing to say')
  const { code, log } = await node.run(['-r', '-B'])
  t.equal(code, 0, log)
  const lines = log.split('\n')
  t.equal(
    lines.filter(line => / INFO Uploaded \S+\/nb-\d+-big: 8 files, .* in \d+\.\d s$/.test(line)).length,
    SSTABLES,
  )
  t.ok(lines.length < SSTABLES + 20, `${lines.length} lines for 800 files`)
  const again = await node.run(['-r', '-B'])
  t.ok(again.log.split('\n').length < 10, 'what is in the bucket already is no news')
  table.set('nb-9999-big')
  const verbose = await node.run(['-rvB'])
  for (const path of table.paths('nb-9999-big')) t.match(verbose.log, ` DEBUG Finished uploading ${path}\n`)
})

await t.test('two flags that name a level are refused', async t => {
  const node = await TestNode.create(t)
  const { code, log } = await node.run(['-q', '--log-level', 'info', '-r', '-B'])
  t.equal(code, 2)
  t.match(log, /'-q, --quiet' cannot be used with option '--log-level <level>'/)
})

await t.test('lines have their severity where stderr is the one that systemd names', async t => {
  const node = await TestNode.create(t)
  node.table('ks/t').set('nb-1-big')
  const path = join(t.testdir({}), 'journal')
  const fd = openSync(path, 'w')
  const { dev, ino } = fstatSync(fd)
  const run = async (stream: string): Promise<string> => {
    t.equal(await new Cli(node.args(['-r', '-B']), { stderr: fd, env: { JOURNAL_STREAM: stream } }).exit, 0)
    return readFileSync(path, 'utf8')
  }
  const journal = await run(`${dev}:${ino}`)
  t.ok(
    journal
      .trimEnd()
      .split('\n')
      .every(line => /^<[46]>(INFO|WARNING) /.test(line)),
    journal,
  )
  const other = (await run(`${dev}:1`)).slice(journal.length)
  t.ok(
    other
      .trimEnd()
      .split('\n')
      .every(line => /^\d{4}-/.test(line)),
    other,
  )
  closeSync(fd)
})
