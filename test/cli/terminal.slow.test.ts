import t from 'tap'

import { TestNode, until } from '../support/node.js'
import { TerminalRun } from '../support/terminal.js'

const SSTABLES = 40

/** Slow enough for a bar to be seen, bytes a second. */
const SLOWLY = ['--max-rate', '64KiB']

async function nodeWithFiles(...args: Parameters<typeof TestNode.create>): Promise<TestNode> {
  const node = await TestNode.create(...args)
  const table = node.table()
  for (let n = 1; n <= SSTABLES; n++) table.set(`nb-${n}-big`, { bytes: 6_000 })
  return node
}

for (const columns of [80, 120])
  await t.test(
    `-B on a terminal of ${columns} columns shows one bar, which fits, and leaves none`,
    async t => {
      const node = await nodeWithFiles(t)
      const run = new TerminalRun(node.args([...SLOWLY, '-r', '-B']), columns)
      t.equal(await run.exit, 0, run.output)
      const { bars, screen } = run
      t.ok(bars.length > 3, `${bars.length} states of the bar`)
      t.same(
        bars.filter(bar => bar.length > columns - 3),
        [],
      )
      const form =
        /^\[#*\.*\] +\d+% {2,}\d+\/\d+ SSTables {2,}\S+\/\S+ \w+ {2,}\S+ \w+\/s {2,}(-|\d+):(--|\d\d) left$/
      t.same(
        bars.filter(bar => !form.test(bar)),
        [],
      )
      t.equal(new Set(bars.map(({ length }) => length)).size, 1, 'the bar does not jump')
      t.same(
        screen.filter(line => /^\[[#.]+\]/.test(line)),
        [],
        'the bar is gone',
      )
      t.match(screen.join(''), /INFO Uploaded 320 files .* 0 failed$/)
      t.notOk(run.output.includes('[?25l'), 'the cursor was never hidden')
    },
  )

await t.test('Ctrl-C during -B leaves a terminal without a bar', async t => {
  const node = await nodeWithFiles(t)
  const run = new TerminalRun(node.args([...SLOWLY, '-r', '-B']), 80)
  await until(() => run.bars.length > 3)
  run.type('\x03')
  t.equal(await run.exit, 130, run.output)
  const { screen } = run
  t.same(
    screen.filter(line => /\[[#.]+\]/.test(line)),
    [],
  )
  t.match(screen.join(''), /(uploads what is missing|INFO Uploaded \d+ files .* 0 failed)$/)
})

await t.test('-D on a terminal shows the same bar', async t => {
  const node = await nodeWithFiles(t)
  await node.backUp()
  const run = new TerminalRun(node.args(['-D'], [t.testdir({})]), 80)
  t.equal(await run.exit, 0, run.output)
  t.ok(run.bars.length > 0)
  t.same(
    run.bars.filter(bar => bar.length > 77),
    [],
  )
  t.same(
    run.bars.filter(bar => !/% {2,}\d+\/320 files {2,}/.test(bar)),
    [],
  )
})
