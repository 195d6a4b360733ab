import { gzipSync } from 'node:zlib'

import fc from 'fast-check'
import t from 'tap'

import { start } from '../../src/cli/options.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import { decodeState } from '../../src/manifest/manifest-decode.js'
import { Fence } from '../../src/node/fence.js'

import { FixedClient } from './fixed-client.js'
import { fuzz } from './fuzz.js'
import { mutatedBytes, mutatedJson } from './mutate.js'

const entry = fc.record({
  size: fc.nat(),
  mtime: fc.nat().map(String),
  inode: fc.oneof(fc.nat(), fc.constant('18446744073709551615')),
  crc64: fc.constant('0123456789abcdef'),
})
const set = fc.record({ 'Data.db': entry, 'TOC.txt': entry, corrupt: fc.boolean() })
const manifest = fc.record({
  format: fc.constant(1),
  node: fc.constant('node1'),
  epoch: fc.nat(5),
  unit: fc.constant('ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'),
  time: fc.constant('2026-11-23T04:12:33.123Z'),
  base: fc.constantFrom(null, '.tablesnap/node1/states/x'),
  gap: fc.boolean(),
  unexplained: fc.constantFrom([], ['/data/ks/t/nb-1-big']),
  directories: fc.constant({ '/data/ks/t': { device: '2049', inode: '131' } }),
  sets: fc.record({ '/data/ks/t/nb-1-big': set, '/data/ks/t/nb-2-big': set }),
  files: fc.record({ '/data/ks/t/manifest.json': entry }),
  removed: fc.constantFrom([], ['/data/ks/t/nb-1-big']),
  unprotected: fc.constant([]),
})

await t.test('manifests', async t => {
  const json = mutatedJson(manifest).map(text => gzipSync(text, { level: 1 }))
  const broken = fc
    .tuple(
      manifest.map(value => JSON.stringify(value)),
      fc.nat(),
      fc.nat(255),
    )
    .map(([text, at, byte]) => {
      const body = gzipSync(text, { level: 1 })
      body[at % body.length] = byte
      return at % 3 === 0 ? body.subarray(0, at % body.length) : body
    })
  const bodies = fc.oneof(
    { weight: 5, arbitrary: json },
    { weight: 1, arbitrary: broken },
    { weight: 1, arbitrary: mutatedBytes(fc.constant('{"format":1}')) },
  )
  await fuzz(t, 'decodeState', bodies, async body => {
    const { state } = await Promise.resolve(decodeState(body, 'key'))
    for (const path of [...state.sets.keys(), ...state.files.keys()])
      if (!path.startsWith('/')) throw new Error(`${path} is no path`)
  })
})

await t.test('node.json', async t => {
  const begun = start(['-B', '-n', 'node1', 'bucket', '/data'], { env: {}, cwd: '/', home: undefined })
  if (begun.action !== 'run') throw new Error('that is no run')
  const client = new FixedClient()
  t.teardown(() => client.close())
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const node = fc.record({
    format: fc.constant(1),
    writer: fc.constantFrom('me', 'another'),
    host: fc.constant('host'),
    epoch: fc.nat(9),
    since: fc.nat(),
    separator: fc.constant(':'),
  })
  const bodies = fc.oneof(
    mutatedJson(node).map(text => Buffer.from(text)),
    mutatedBytes(node.map(value => JSON.stringify(value))),
  )
  await fuzz(t, 'node.json', bodies, async body => {
    const fence = new Fence(
      {
        config: begun.config,
        client: client.answer({ body, headers: { etag: '"x"' } }),
        keys: new KeyLayout('', 'node1', ':'),
        name: 'node1',
        writer: { id: 'me', isMachine: true, volumes: [], host: 'here', formerIds: [] },
        log,
      },
      { takeOver: false, alone: false, clock: () => 0 },
    )
    await fence.claim()
    if (!Number.isSafeInteger(fence.epoch)) throw new Error(`its epoch is ${fence.epoch}`)
  })
})
