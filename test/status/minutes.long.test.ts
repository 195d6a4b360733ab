import { join } from 'node:path'

import t from 'tap'

import { LocalS3 } from '../../dev/local-s3/index.js'
import { TestNode, until } from '../support/node.js'

/** Two minutes' lines and what precedes the first one, ms. */
const OUTAGE = 200_000

await t.test(
  'an outage has one line at its begin, one a minute and one at its end; then the daemon says that nothing is left',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table().flush('nb-1-big')
    const daemon = await node.watch(t, ['-r', '-a', '-B', '--watch'])
    await daemon.seen(/Everything below \S+ is backed up: 1 table/)
    const { port } = node.bucket.server
    await node.bucket.server.close()
    table.flush('nb-2-big')
    const began = daemon.stderr.length
    await daemon.seen(/(?:Status: S3 unreachable since [^]*){2}/, OUTAGE)
    const server = await LocalS3.start({ directory: join(node.bucket.directory, 's3'), port })
    t.teardown(() => server.close())
    const after = () => daemon.stderr.slice(began)
    await until(() => /Everything below \S+ is backed up/.test(after()), 60_000, after)
    const lines = after()
      .split('\n')
      .filter(line => line !== '')
    const count = (pattern: RegExp) => lines.filter(line => pattern.test(line)).length
    t.equal(count(/The server cannot be reached/), 1)
    t.equal(count(/Status: S3 unreachable since 20\S+Z \(.*ECONNREFUSED.*\): 1 SSTable, .* wait/), 2)
    t.equal(count(/The server answers again/), 1)
    t.equal(count(/Everything below \S+ is backed up/), 1)
    t.ok(lines.length <= 8, after())
  },
)
