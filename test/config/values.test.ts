import t from 'tap'

import { load, makePlace } from './support.js'

await t.test('-e and -i take all values that follow, once bucket and path are given', t => {
  const place = makePlace(t.testdir())
  for (const [words, exclude, paths] of [
    ['BKT /data -r -e snapshots/ backups/', ['snapshots/', 'backups/'], ['/data']],
    ['BKT /data -re snapshots/ backups/ -B', ['snapshots/', 'backups/'], ['/data']],
    ['BKT /a /b --exclude x y z -r', ['x', 'y', 'z'], ['/a', '/b']],
    ['BKT /data -e x y -e z', ['x', 'y', 'z'], ['/data']],
    ['BKT /data -n node -t 2 -e x y', ['x', 'y'], ['/data']],
    ['-e x BKT /data', ['x'], ['/data']],
    ['-re x BKT -e y /data', ['x', 'y'], ['/data']],
    ['-kx -e x BKT -e y /data', ['x', 'y'], ['/data']],
    ['BKT /a -e x -- /b', ['x'], ['/a', '/b']],
    ['BKT /a -ex /b', ['x'], ['/a', '/b']],
    ['BKT /a --exclude=x /b', ['x'], ['/a', '/b']],
    ['BKT /a -e x - y', ['x', '-', 'y'], ['/a']],
  ] as const) {
    const given = words.startsWith('-kx') ? `${words} -s s` : words
    const { config } = load({ ...place, env: { ...place.env } }, given)
    t.strictSame([config.filter.exclude.map(one => one.source), config.paths], [exclude, paths], words)
  }
  t.strictSame(
    load(place, 'BKT /data -i Data Index').config.filter.include.map(one => one.source),
    ['Data', 'Index'],
  )
  t.end()
})

await t.test('a path among the values of -e earns a warning', t => {
  const place = makePlace(t.testdir())
  const { config, warnings } = load(place, 'bucket /a -e x /b')
  t.strictSame(config.paths, ['/a'])
  t.match(warnings, [/^-e: "\/b" is read as one more regular expression of -e.*a path belongs before -e$/])
  t.strictSame(load(place, 'bucket /a /b -e x').warnings, [])
  t.strictSame(
    load(place, 'bucket -e x /a').config.paths,
    ['/a'],
    'before bucket and path -e takes one value',
  )
  t.end()
})
