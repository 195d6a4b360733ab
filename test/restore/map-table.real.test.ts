import { rmSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Cassandra } from '../support/real/cassandra.js'
import { bucketOf, gateway, temporaryDirectory } from '../support/real/place.js'
import { Rows } from '../support/real/rows.js'
import { Tablesnap } from '../support/real/tablesnap.js'

const version = process.env['CASSANDRA_VERSION'] ?? '5.0.9'
const ROWS = 2_000

/** A line of `--list --log-format json`. */
interface Moment {
  readonly time: string
  readonly unit: string
  readonly status: string
  readonly sets: number
}

await t.test('a table that was dropped comes back into the one that was created again', async t => {
  const server = await gateway(t)
  const bucket = bucketOf(server, 'backup')
  const work = temporaryDirectory(t)
  const node = await Cassandra.create({
    home: join(work, 'cassandra'),
    version,
    format: undefined,
    dataDirectories: 2,
  })
  await node.start()
  t.teardown(() => node.kill())
  const tablesnap = new Tablesnap(server, join(work, 'tablesnap'))
  const daemon = await tablesnap.start('-r', '-a', '-B', '--watch', 'backup', ...node.dataDirectories)
  t.teardown(() => daemon.stop('SIGKILL'))

  const moments = async (): Promise<Moment[]> => {
    if (!(await bucket.exists())) return []
    const { code, stdout } = await tablesnap.run(
      '--list',
      '--table',
      'ks.t',
      '--log-format',
      'json',
      'backup',
    )
    const lines = code === 0 ? stdout.trim().split('\n') : []
    return lines.map(line => JSON.parse(line) as Moment)
  }
  const until = (what: string, is: (newest: Moment) => boolean): Promise<unknown> =>
    daemon.until(what, 120_000, async () => {
      const [newest] = await moments()
      return newest !== undefined && is(newest) ? true : undefined
    })

  const rows = await Rows.connect({ contact: node.contact, keyspace: 'ks', table: 't' })
  t.teardown(() => rows.close())
  await rows.create()
  await rows.insert(0, ROWS)
  await node.nodetool('flush', 'ks', 't')
  await until('the flush', ({ sets, status }) => sets > 0 && status === 'complete')
  await rows.drop()
  await until('the drop', ({ sets, status }) => sets === 0 && status === 'complete')
  await rows.create()
  t.match(await rows.check(0, ROWS), { intact: 0 })

  const before = (await moments()).find(({ sets, status }) => sets > 0 && status === 'complete')
  const restore = [
    '-D',
    ...['--at', before?.time ?? '', '--table', 'ks.t', '--map-table', 'ks.t', 'backup', '/'],
  ]
  const { stderr } = await tablesnap.succeed(...restore)
  t.match(stderr, /nodetool refresh ks t\n/)
  await node.nodetool('refresh', 'ks', 't')
  const expected = { intact: ROWS, wrong: 0, foreign: 0 }
  t.same(await rows.check(0, ROWS), expected, 'every row is back, by refresh')
  // A driver whose node stops tries to connect again, at times for ever after its shutdown: the test would not end.
  await rows.close()
  await node.stop()
  rmSync(node.commitlogDirectory, { recursive: true, force: true })
  await node.start()
  const again = await Rows.connect({ contact: node.contact, keyspace: 'ks', table: 't' })
  t.teardown(() => again.close())
  t.same(await again.check(0, ROWS), expected, 'and after a start')
})
