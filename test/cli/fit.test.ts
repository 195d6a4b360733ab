import t from 'tap'

import { fit } from '../../src/cli/fit.js'
import { checkHelp } from '../../src/cli/check-options.js'
import { chopHelp } from '../../src/cli/chop-options.js'
import { helpText } from '../../src/cli/options.js'
import { slurpHelp } from '../../src/cli/slurp-options.js'

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

for (const [name, help] of Object.entries({ helpText, slurpHelp, chopHelp, checkHelp }))
  await t.test(
    `${name} fits a terminal of 80 columns, but for commands and flags that are to be copied`,
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
