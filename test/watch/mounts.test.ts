import t from 'tap'

import { MountTable } from '../../src/watch/mounts.js'

const ROOT = '21 1 254:0 / / rw - ext4 /dev/vda rw'
const DATA = '40 21 7:0 / /data rw,relatime master:1 - ext4 /dev/loop0 rw'

await t.test('a path belongs to the mount point next above it', t => {
  const table = MountTable.parse(
    [ROOT, DATA, '41 40 7:1 / /data/a\\040b rw - xfs /dev/loop1 rw', ''].join('\n'),
  )
  t.equal(table.pointOf('/data/a b/c'), '/data/a b')
  t.equal(table.pointOf('/data'), '/data')
  t.equal(table.pointOf('/database'), '/')
  t.equal(MountTable.parse('').pointOf('/data'), '/')
  t.end()
})

await t.test('mount points change when something is mounted, unmounted, or mounted over', t => {
  const before = MountTable.parse([ROOT, DATA].join('\n'))
  const changes = (...lines: string[]) => MountTable.parse([ROOT, ...lines].join('\n')).changesSince(before)
  t.same(changes(), ['/data'])
  t.same(changes(DATA.replace('40 21', '52 21')), ['/data'], 'mounted again')
  t.same(changes(DATA, '53 40 0:50 / /data rw - tmpfs tmp rw'), ['/data'], 'mounted over')
  t.same(changes(DATA.replace('rw,relatime', 'ro')), [], 'the same mount with other options')
  t.same(before.changesSince(before), [])
  t.end()
})
