import t from 'tap'

import { Filter } from '../../src/backup/filter.js'
import { Pattern } from '../../src/config/pattern.js'

const none = { exclude: [], include: [], snapshots: false, backups: false }

await t.test('files', t => {
  const filter = new Filter(none, ['/data'])
  for (const name of ['nb-1-big-Data.db', 'manifest.json', '.hidden', 'my-listdir.json'])
    t.ok(filter.file('/data', name), name)
  for (const name of [
    'nb-1-big-Statistics.db.tmp',
    'ks-t-tmp-jb-1-Data.db',
    'nb_txn_flush_1.log',
    'nb-1-big-Data.db-listdir.json',
  ]) {
    t.notOk(filter.file('/data', name), name)
  }
  t.end()
})

await t.test('patterns are searched for in the whole path', t => {
  const exclude = new Filter({ ...none, exclude: ['/system/', 'Index'].map(one => new Pattern(one)) }, [
    '/data',
  ])
  t.notOk(exclude.file('/data/system/local', 'nb-1-big-Data.db'))
  t.notOk(exclude.file('/data/ks', 'nb-1-big-Index.db'))
  t.ok(exclude.file('/data/ks', 'nb-1-big-Data.db'))
  const include = new Filter(
    { ...none, include: ['^/data/ks/', 'Statistics'].map(one => new Pattern(one)) },
    ['/data'],
  )
  t.ok(include.file('/data/ks/t', 'nb-1-big-Data.db'))
  t.ok(include.file('/data/other', 'nb-1-big-Statistics.db'))
  t.notOk(include.file('/data/other', 'nb-1-big-Data.db'))
  t.notOk(include.file('/data/ks/t', 'nb-1-big-Statistics.db.tmp'), 'never what is being written')
  t.end()
})

await t.test('directories', t => {
  const filter = new Filter(none, ['/data', '/data/ks/t/snapshots/tag', '/data/ks/t/backups'])
  t.ok(filter.skips('/data/ks/t/snapshots'))
  t.ok(filter.skips('/data/ks/u/backups'))
  t.ok(filter.skips('/data/.tablesnap-restore'))
  t.notOk(filter.skips('/data/ks/t/snapshots/tag'))
  t.notOk(filter.skips('/data/ks/t/backups'), 'named itself')
  t.notOk(filter.skips('/data/ks/snapshots_of_mine'))
  const all = new Filter({ ...none, snapshots: true, backups: true }, ['/data'])
  t.notOk(all.skips('/data/ks/t/snapshots'))
  t.notOk(all.skips('/data/ks/t/backups'))
  t.ok(all.skips('/data/.tablesnap-restore'))
  t.end()
})
