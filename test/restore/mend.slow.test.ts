import t from 'tap'

import { backupLine, shellWord } from '../../src/config/command-line.js'

import { config } from './support.js'

await t.test('the line that mends has what the keys are made of, as a shell reads it', t => {
  const paths = ['/data/ks/t/nb-1-big', '/data/ks/t/nb-2-big', "/data/it's here/x"]
  t.equal(
    backupLine(config('/'), 'node1', paths),
    `tablesnap -n node1 -B bucket /data/ks/t '/data/it'\\''s here'`,
  )
  const other = { ...config('/'), prefix: 'a b/', separator: '|' }
  t.equal(
    backupLine({ ...other, s3: { ...other.s3, endpoint: 'http://127.0.0.1:9000' } }, 'node1', ['/data/x']),
    "tablesnap -n node1 --prefix 'a b/' --keyname-separator '|' --endpoint-url http://127.0.0.1:9000 -B bucket /data",
  )
  t.equal(shellWord(''), "''")
  t.equal(shellWord('$(reboot)'), "'$(reboot)'")
  t.equal(shellWord('a\nb'), "'a\nb'")
  t.end()
})
