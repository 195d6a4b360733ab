import t from 'tap'

import { fit } from '../../src/cli/fit.js'
import { tablecheck } from '../../src/cli/check-options.js'
import { tablechop } from '../../src/cli/chop-options.js'
import { helpText } from '../../src/cli/options.js'
import { helpTextOf } from '../../src/cli/own-command.js'
import { tableslurp } from '../../src/cli/slurp-options.js'

await t.test('prose is filled anew, terms keep their column, and commands stay whole', t => {
  const text = [
    'One sentence that goes on',
    'in the next line.',
    '',
    '  tablesnap -r -a backups /var/lib/cassandra/data',
    '      watch, and upload new SSTables',
    '  255       bucket or path missing',
  ].join('\n')
  t.equal(fit(text, 100), text)
  t.equal(
    fit(text, 24),
    [
      'One sentence that goes',
      'on in the next line.',
      '',
      '  tablesnap -r -a backups /var/lib/cassandra/data',
      '      watch, and upload',
      '      new SSTables',
      '  255       bucket or',
      '            path missing',
    ].join('\n'),
  )
  t.end()
})

const helps = [tableslurp, tablechop, tablecheck].map(
  own => [own.name, (columns?: number) => helpTextOf(own, columns)] as const,
)

for (const [name, help] of [['tablesnap', helpText] as const, ...helps])
  await t.test(
    `the help of ${name} fits a terminal of 80 columns, but for commands and flags that are to be copied`,
    t => {
      t.same(
        help(80)
          .split('\n')
          .filter(line => line.length > 80 && !/^ {2}table\w+ /.test(line)),
        [],
      )
      const words = (text: string) => text.split(/\s+/).join(' ')
      t.equal(words(help(80)), words(help(100)), 'nothing is lost')
      t.end()
    },
  )
