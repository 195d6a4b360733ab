import t from 'tap'

import { load, makePlace, refusal, writeConf } from './support.js'

await t.test('maps and filters', t => {
  const place = makePlace(t.testdir())
  const words =
    '-D --map-path /var/lib/a/=b/c/ --map-path=/var/lib/a=b=/x=y --map-table ks.t --map-table Ks_2.t-0a1b2c3d4e5f60718293a4b5c6d7e8f9 ' +
    '--keyspace ks1 --keyspace ks2 --keyspace ks1 --table ks3.t bucket /'
  t.match(refusal(place, words), {
    code: 'SETTINGS_CONFLICT',
    message: /--map-path: \/var\/lib\/a is mapped to more/,
  })
  const { config } = load(
    place,
    words.replace('--map-path=/var/lib/a=b=/x=y', '--map-path=/var/lib/a/b=/x=y'),
  )
  t.strictSame(config.mapPaths, [
    { from: '/var/lib/a', to: '/b/c' },
    { from: '/var/lib/a/b', to: '/x=y' },
  ])
  t.strictSame(config.mapTables, ['ks.t', 'Ks_2.t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'])
  t.strictSame(config.only, { keyspaces: ['ks1', 'ks2'], tables: ['ks3.t'] })
  writeConf(place, 'map_path =\n    /a=/b\n    /c=/d\ntable = ks.t\nprogress = no')
  t.match(load(place, '-D bucket /').config, {
    mapPaths: [
      { from: '/a', to: '/b' },
      { from: '/c', to: '/d' },
    ],
    only: { keyspaces: [], tables: ['ks.t'] },
    progress: false,
  })
  t.equal(load(place, '--progress bucket /').config.progress, true)
  t.equal(load(makePlace(t.testdir()), 'bucket /').config.progress, true)
  t.end()
})

await t.test('what is none', t => {
  const place = makePlace(t.testdir())
  for (const [flag, value] of [
    ['map-path', 'a=/b'],
    ['map-path', '/a'],
    ['map-path', '/a='],
    ['map-path', '/a=..'],
    ['map-path', '/a=/b/../c'],
    ['map-path', '/a=b/..'],
    ['map-table', 'ks'],
    ['map-table', 'ks.t-1'],
    ['table', 'ks.t.u'],
    ['table', 'ks/t'],
    ['keyspace', 'ks.t'],
    ['keyspace', ''],
  ] as const) {
    const { code, exitCode } = refusal(place, ['-D', `--${flag}=${value}`, 'bucket', '/'])
    t.strictSame([code, exitCode], ['SETTING_INVALID', 2], `${flag} ${value}`)
  }
  t.match(refusal(place, '--map-table ks.t bucket /'), { message: /--map-table works only with -D/ })
  t.ok(load(place, '-D --map-path /a=/..x bucket /'))
  t.end()
})

await t.test('--list and --list-nodes are modes without a path', t => {
  const place = makePlace(t.testdir())
  t.match(load(place, '--list bucket').config, { mode: 'download', list: 'moments', paths: ['/'] })
  t.match(load(place, '--list-nodes bucket').config, { mode: 'download', list: 'nodes' })
  t.match(load(place, '--list --at 2h --table ks.t bucket').config, { list: 'moments' })
  t.equal(load(place, 'bucket /').config.list, undefined)
  t.match(refusal(place, '--list'), { exitCode: 255 })
  t.match(refusal(place, '-B --list bucket'), { code: 'SETTINGS_CONFLICT' })
  t.end()
})

await t.test('--at takes the key of a state or of a listing', t => {
  const place = makePlace(t.testdir())
  for (const key of [
    '.tablesnap/node1/states/ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9/8204593539999-20261123T040100000Z.json.gz',
    'node1:/var/lib/cassandra/data/ks/t/nb-1-big-Data.db-listdir.json',
  ]) {
    t.match(load(place, ['-D', '--at', key, 'bucket', '/']).config, { at: undefined, atKey: key })
  }
  const { at = 0 } = load(place, '-D --at 90m bucket /').config
  t.ok(Math.abs(Date.now() - 90 * 60_000 - at) < 10_000)
  t.end()
})
