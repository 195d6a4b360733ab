import { resolve } from 'node:path'

import fc from 'fast-check'
import t from 'tap'

import { unitOf } from '../../src/cassandra/unit.js'
import { isMomentKey, parseTime } from '../../src/config/time.js'
import { parseKeyPath, unfit } from '../../src/manifest/key-path.js'
import { KeyLayout, parseStateKey } from '../../src/manifest/keys.js'

import { fuzz } from './fuzz.js'
import { mutated } from './mutate.js'

const keys = new KeyLayout('', 'node1', ':')
const units = fc.constantFrom('ks/t-5a1c0123456789abcdef0123456789ab', 'var/lib/x', '/', '1/2', '~/~x')
const TIMES = [
  '2026-11-23T04:12:33Z',
  '2026-11-23 04:12',
  '20261123T041233.123456789+0100',
  '@1795407153',
  '1795407153123',
  '1d12h',
  '2h ago',
  '90m',
]

await t.test('keys of manifests', async t => {
  const states = fc.tuple(units, fc.nat(4_000_000_000)).map(([unit, time]) => keys.state(unit, time * 1000))
  await fuzz(
    t,
    'parseStateKey',
    mutated(states, ['/states/', '.json.gz', '~', '9999999999999-', '-20261123T041233123Z']),
    key => {
      const rest = key.slice(keys.states('').length)
      const parsed = parseStateKey(rest)
      if (parsed !== undefined) parsed.unit.normalize()
    },
  )
  const directories = mutated(units, ['~', '/']).map(path => unitOf(resolve('/', path)))
  await fuzz(
    t,
    'the way of a unit through its key',
    fc.tuple(directories, fc.nat(4_000_000)),
    ([unit, time]) => {
      const parsed = parseStateKey(keys.state(unit, time * 1_000_000).slice(keys.states('').length))
      if (parsed?.time !== time * 1_000_000) throw new Error('its time is another one')
      if (parsed.unit !== unit) throw new Error(`it comes back as ${JSON.stringify(parsed.unit)}`)
    },
  )
})

await t.test('paths in keys', async t => {
  const paths = fc.constantFrom('/var/lib/cassandra/data/ks/t-5a1c/nb-1-big-Data.db', 'data/x//y', './a')
  await fuzz(
    t,
    'parseKeyPath',
    mutated(paths, ['/', '..', '.tablesnap-restore', '.tablesnap-replaced-1']),
    path => {
      const parsed = parseKeyPath(path)
      if (typeof parsed === 'string') return
      if (`${parsed.directory}/${parsed.name}`.split('/').includes('..'))
        throw new Error('it leads out of the target')
      unfit(parsed.directory, parsed.name)
    },
  )
})

await t.test('--at', async t => {
  const texts = mutated(
    fc.oneof(
      fc.constantFrom(...TIMES),
      units.map(unit => keys.state(unit, 1e12)),
      fc.constant('n:/d/nb-1-big-Data.db-listdir.json'),
    ),
    ['T', 'Z', '+25:00', ':', '-', 'w', 'd', 'h', 'm', 's', '@', '/states/', '.json.gz', '-listdir.json'],
  )
  await fuzz(t, 'parseTime', texts, text => {
    isMomentKey(text)
    const time = parseTime(text, 1.7e12)
    if (time !== undefined && !(Number.isInteger(time) && time >= 0)) throw new Error(`it is ${time}`)
  })
})
