import t from 'tap'

import { run } from '../support/slurp.js'

await t.test('the command line of tablecheck', async t => {
  const refused = async (pattern: RegExp, ...args: string[]): Promise<void> => {
    const { code, log } = await run('tablecheck', ['-k', 'K', '-s', 'S', '-n', 'node1', ...args])
    t.equal(code, 2, log)
    t.match(log, pattern)
  }
  const help = await run('tablecheck', ['--help'])
  t.equal(help.code, 0)
  t.match(
    help.stdout,
    /^Usage: tablecheck \[options\] <bucket> \[path\]\n\nSays whether a node can be restored/,
  )
  const missing = await run('tablecheck', [])
  t.equal(missing.code, 255)
  await refused(/the path .* begins with \//, 'bucket', 'data')
  await refused(/--read: "101" is not a number from 0 to 100/, '--read', '101', 'bucket')
  await refused(/--drill: "0" is not a number of SSTables, or `table`/, '--drill', '0', 'bucket')
  await refused(/--max-age: "soon" is not a time such as/, '--max-age', 'soon', 'bucket')
  await refused(/more arguments than bucket and path/, 'bucket', '/data', '/more')
})
