import t from 'tap'

import { KeyLayout, parseStateKey } from '../../src/manifest/keys.js'

const keys = new KeyLayout('p/', 'node1', ':')
const root = keys.states('')

const UNITS = [
  'ks/t-0a1b',
  '7',
  '~',
  '~7',
  'ks/7/~x/~~',
  'ks/1234567890123-20261123T041233123Z.json.gz',
  '.hidden',
  'a/.b/ c/!',
  'a//b',
  'ü\n/日本',
]

await t.test('where things lie', async t => {
  t.equal(keys.files, 'p/node1:')
  t.equal(keys.node, 'p/.tablesnap/node1/node.json')
  t.equal(keys.file('/d/x'), 'p/node1:/d/x')
  t.equal(keys.listing('/d/nb-1-big-Data.db'), 'p/node1:/d/nb-1-big-Data.db-listdir.json')
  t.equal(keys.versionStem('//d/x'), 'p/.tablesnap/node1/versions/d/x')
  t.equal(
    keys.state('ks/t', Date.UTC(2026, 10, 23, 4, 12, 33, 123)),
    'p/.tablesnap/node1/states/ks/t/8204592846876-20261123T041233123Z.json.gz',
  )
})

await t.test('the key of a state tells its unit and time', async t => {
  for (const unit of UNITS) {
    for (const time of [0, 1, 1_795_406_227_843]) {
      const key = keys.state(unit, time)
      t.ok(key.startsWith(keys.states(unit)), unit)
      t.same(parseStateKey(key.slice(root.length)), { unit, time }, unit)
    }
  }
  for (const other of [
    '',
    'x',
    'ks/t/',
    '8204592446876-20261123T041233123Z.json.gz',
    'ks/t/820-2026.json.gz',
  ])
    t.equal(parseStateKey(other), undefined, other)
})

await t.test(
  'the newer of two states comes first, and every state of a unit before all below it',
  async t => {
    const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
    const times = [0, 9, 10, 999_999_999_999, 1_000_000_000_000, 1_795_406_227_843, 1_795_406_227_844]
    const sorted = times.map(time => keys.state('ks/t', time)).sort(bytes)
    t.same(
      sorted.map(key => parseStateKey(key.slice(root.length))?.time),
      [...times].reverse(),
    )
    for (const name of UNITS) {
      for (const time of times)
        t.equal(bytes(keys.state('u', time), keys.state(`u/${name}`, 5)), -1, `u before u/${name}`)
    }
  },
)

await t.test('a key that S3 would not take is refused, also with the checksum of a version', async t => {
  const path = `/${'ü'.repeat((1024 - keys.files.length - 2) / 2)}x`
  t.equal(Buffer.byteLength(keys.file(path)), 1024, 'bytes count, not characters')
  t.throws(() => keys.file(`${path}x`), { code: 'KEY_TOO_LONG', path: `${path}x` })
  const longest = `/${'x'.repeat(1024 - keys.versions.length - 17)}`
  t.equal(keys.versionStem(longest).length, 1024 - 17)
  t.throws(() => keys.versionStem(`${longest}x`), { code: 'KEY_TOO_LONG' })
  t.throws(() => keys.state('u'.repeat(1000), 0), { code: 'KEY_TOO_LONG' })
})

await t.test('the key of a manifest says what it is, and still sorts by time alone', async t => {
  const facts = {
    epoch: 3,
    kind: 'complete',
    gap: false,
    base: undefined,
    sets: 12,
    files: 1,
    bytes: 9,
  } as const
  const time = Date.UTC(2026, 10, 23, 4, 12, 33, 123)
  t.equal(
    keys.state('ks/t', time, { ...facts, gap: true, base: 1_795_406_227_843 }),
    'p/.tablesnap/node1/states/ks/t/8204592846876-20261123T041233123Z-e3-cg-d1795406227843-12-1-9.json.gz',
  )
  for (const kind of ['complete', 'partial', 'unexplained'] as const) {
    for (const more of [{}, { gap: true }, { base: 0 }, { base: time, bytes: Number.MAX_SAFE_INTEGER }]) {
      const one = { ...facts, kind, ...more }
      t.same(parseStateKey(keys.state('ks/t', time, one).slice(root.length)), {
        unit: 'ks/t',
        time,
        facts: one,
      })
    }
  }
  const later = keys.state('ks/t', time + 1, { ...facts, epoch: 1, kind: 'unexplained' })
  t.ok(later < keys.state('ks/t', time, facts), 'the newest first, whatever it is')
  t.ok(keys.statesUntil('ks/t', time) < keys.state('ks/t', time, facts))
  t.ok(keys.statesUntil('ks/t', time) > later)
  t.ok(keys.statesUntil('ks/t', time) > keys.state('ks/t', time + 1))
})

await t.test('facts that a later version writes are no reason to overlook a manifest', async t => {
  for (const more of ['e1-c-f-1-2-3-new', 'x', 'e1-z-f-1-2-3', '']) {
    const rest = `ks/t/8204592846876-20261123T041233123Z-${more}.json.gz`
    t.same(parseStateKey(rest), { unit: 'ks/t', time: 1_795_407_153_123, facts: undefined }, more)
  }
})
