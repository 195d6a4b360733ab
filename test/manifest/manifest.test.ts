import { gunzipSync, gzipSync } from 'node:zlib'

import t from 'tap'

import { decodeState } from '../../src/manifest/manifest-decode.js'
import { encodeState } from '../../src/manifest/manifest-encode.js'
import type { StoredState } from '../../src/manifest/manifest.js'
import { applyDelta, type Entry, type State } from '../../src/manifest/state.js'

const ENTRY: Entry = {
  size: 7,
  mtime: 1_795_406_227_843_000_001n,
  inode: 42n,
  crc64: 'ae8b14860a799888',
  key: undefined,
}

function stateOf(more: Partial<State> = {}): State {
  return {
    node: 'node1',
    epoch: 3,
    unit: 'ks/t-0a1b',
    time: Date.UTC(2026, 10, 23, 4, 12, 33, 123),
    gap: false,
    unexplained: [],
    sets: new Map(),
    files: new Map(),
    unprotected: [],
    directories: new Map(),
    ...more,
  }
}

function setOf(components: Record<string, Entry>, flags: { corrupt?: boolean; kept?: boolean } = {}) {
  return { components: new Map(Object.entries(components)), corrupt: false, kept: false, ...flags }
}

async function again(stored: StoredState): Promise<StoredState> {
  const { state, delta } = await decodeState((await encodeState(stored)).body, 'key')
  return { state, delta }
}

await t.test('a state is read as it was written', async t => {
  const state = stateOf({
    gap: true,
    unexplained: ['/d/ks/t/nb-1-big'],
    unprotected: ['/d/ks/t/nb-3-big', '/d/x'],
    sets: new Map([
      ['/d/ks/t/nb-2-big', setOf({ 'Data.db': ENTRY, 'TOC.txt': { ...ENTRY, key: 'v/TOC~0' } })],
      ['/d/ks/t/nb-3-big', setOf({ 'Data.db': ENTRY }, { corrupt: true, kept: true })],
      ['/d/ks/t/nb-4-big', setOf({})],
    ]),
    files: new Map([['/d/x', { ...ENTRY, size: 0, crc64: undefined }]]),
    directories: new Map([['/d/ks/t', { device: 2n ** 60n + 1n, inode: 2n ** 63n + 5n }]]),
  })
  t.same(await again({ state, delta: undefined }), { state, delta: undefined })
  const delta = {
    base: '.tablesnap/node1/states/x',
    removed: ['/d/ks/t/nb-1-big'],
    totals: { sets: 9, files: 1, bytes: 7 },
  }
  t.same(await again({ state, delta }), { state, delta })
})

await t.test('numbers of any size come back as they were', async t => {
  for (const inode of [0n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    for (const mtime of [0n, -1n, 2n ** 63n - 1n]) {
      const files = new Map([['/f', { ...ENTRY, inode, mtime, size: Number.MAX_SAFE_INTEGER }]])
      t.same((await again({ state: stateOf({ files }), delta: undefined })).state.files, files)
    }
  }
})

await t.test('names of any kind come back as they were', async t => {
  const names = [
    '/__proto__',
    '/d/__proto__/nb-1-big',
    '/constructor',
    '/42',
    '/ü/日本/\u{1F600}',
    '/a\nb"\\',
    '/ ',
  ]
  const components = ['__proto__', 'constructor', 'toString', '7', 'SAI+aa+ü.db', ' ']
  const set = setOf(Object.fromEntries(components.map(name => [name, ENTRY])))
  t.equal(set.components.size, components.length)
  const state = stateOf({
    sets: new Map(names.map(name => [name, set])),
    files: new Map(names.map(name => [name, ENTRY])),
    directories: new Map(names.map(name => [name, { device: 1n, inode: 2n }])),
    unexplained: names,
  })
  const { state: found } = await again({ state, delta: undefined })
  t.same([...found.sets.keys()].sort(), [...names].sort())
  for (const name of names) {
    t.same([...found.sets.get(name)!.components.keys()].sort(), [...components].sort(), name)
    t.same(found.files.get(name), ENTRY)
    t.same(found.directories.get(name), { device: 1n, inode: 2n })
  }
  t.same(found.unexplained, names)
  t.notOk('size' in {}, 'no prototype was changed')
})

await t.test('components that are called as a flag is', async t => {
  for (const flags of [{}, { corrupt: true, kept: true }]) {
    const sets = new Map([['/d/nb-1-big', setOf({ corrupt: ENTRY, kept: ENTRY, 'Data.db': ENTRY }, flags)]])
    t.same((await again({ state: stateOf({ sets }), delta: undefined })).state.sets, sets)
  }
})

await t.test('what a delta removes leaves before what it brings comes', async t => {
  const old = setOf({ 'Data.db': { ...ENTRY, size: 1 }, 'TOC.txt': ENTRY })
  const fresh = setOf({ 'Data.db': { ...ENTRY, size: 2 } })
  const base = stateOf({
    sets: new Map([
      ['/a', old],
      ['/b', old],
      ['/c', old],
    ]),
    files: new Map([['/f', ENTRY]]),
    unexplained: ['/x'],
  })
  const delta = stateOf({
    time: 5,
    gap: true,
    sets: new Map([
      ['/b', fresh],
      ['/d', fresh],
    ]),
  })
  const { sets, files, time, gap, unexplained } = applyDelta(base, delta, {
    removed: ['/a', '/b', '/f', '/none'],
  })
  t.same(
    sets,
    new Map([
      ['/b', fresh],
      ['/c', old],
      ['/d', fresh],
    ]),
    'an entry replaces a whole set',
  )
  t.same([...files], [])
  t.match({ time, gap, unexplained }, { time: 5, gap: true, unexplained: [] }, 'all else is the newer one’s')
  t.equal(base.sets.size, 3, 'the base is as it was')
})

await t.test('what is no state is refused', async t => {
  const json = JSON.parse(
    gunzipSync(
      (
        await encodeState({
          state: stateOf({
            sets: new Map([['/d/nb-1-big', setOf({ 'Data.db': ENTRY })]]),
            files: new Map([['/d/f', ENTRY]]),
            directories: new Map([['/d', { device: 1n, inode: 2n }]]),
          }),
          delta: undefined,
        })
      ).body,
    ).toString(),
  ) as Record<string, unknown>
  t.ok(await decodeState(gzipSync(JSON.stringify(json)), 'k'), 'this one is one')

  const refused = (body: Buffer, why: string) =>
    t.rejects(
      decodeState(body, 'the key'),
      { code: 'STATE_CORRUPT', key: 'the key', message: /^manifest the key cannot be used: / },
      why,
    )
  const whole = gzipSync(JSON.stringify(json))
  await refused(Buffer.alloc(0), 'nothing')
  await refused(whole.subarray(0, -9), 'cut off')
  await refused(Buffer.from(JSON.stringify(json)), 'not gzipped')
  for (const text of ['', '{', 'null', '[]', '"x"', '7']) await refused(gzipSync(text), text)

  const entry = { size: 7, mtime: '1', inode: 42 }
  const wrong: Record<string, unknown[]> = {
    format: [undefined, 0, 2, '1'],
    node: [undefined, null, 7],
    epoch: [undefined, -1, 1.5, '1', 2 ** 60],
    unit: [undefined, null],
    time: [undefined, null, 5, 'soon'],
    base: [undefined, 7, {}],
    unexplained: [undefined, null, 'x', [7]],
    unprotected: [undefined, {}, [null]],
    removed: [undefined, 'x', [[]]],
    sets: [
      undefined,
      null,
      [],
      'x',
      { relative: {} },
      { '/a\0': {} },
      { '/a': null },
      { '/a': { 'x/y': entry } },
    ],
    files: [undefined, [], { 'a/b': entry }, { '/a': null }, { '/a': { ...entry, size: -1 } }],
    directories: [undefined, [], { d: { device: '1', inode: '2' } }, { '/d': { device: 1, inode: '2' } }],
  }
  for (const [name, values] of Object.entries(wrong))
    for (const value of values)
      await refused(gzipSync(JSON.stringify({ ...json, [name]: value })), `${name}: ${JSON.stringify(value)}`)

  const entries: Record<string, unknown[]> = {
    size: [undefined, null, '7', 1.5],
    mtime: [undefined, 5, 'x', '1.5'],
    inode: [undefined, null, 1.5, 'x'],
    crc64: [null, 7, '', 'ae8b14860a79988', 'AE8B14860A799888', '../../../../etc/pw'],
    key: [null, 7],
  }
  for (const [name, values] of Object.entries(entries)) {
    for (const value of values) {
      const sets = { '/d/nb-1-big': { 'Data.db': { ...entry, [name]: value } } }
      await refused(
        gzipSync(JSON.stringify({ ...json, sets })),
        `${name} of an entry: ${JSON.stringify(value)}`,
      )
    }
  }
})
