import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import t from 'tap'

import { decodeState } from '../../src/manifest/manifest-decode.js'
import { encodeState } from '../../src/manifest/manifest-encode.js'
import type { State } from '../../src/manifest/state.js'

import { KEYS, UNIT, at, entry, state, stateSet, write } from './states.js'
import { TABLE, World } from './support.js'

const world = await World.start(t)

const SET = `${TABLE}/nb-1-big`

/** What one set makes of a state. */
function withSet(path: string): Partial<State> {
  return { sets: new Map([[path, stateSet('nb-1-big')]]) }
}

function withFile(path: string, key?: string): Partial<State> {
  return { files: new Map([[path, entry('content of nb-1-big-Data.db', key)]]) }
}

await t.test(
  'paths that lead elsewhere, and keys that are not the node’s, are refused as a whole',
  async t => {
    await world.reset()
    await world.putSet('nb-1-big')
    await world.put('node2:/data/secret', 'content of nb-1-big-Data.db')
    await world.put('secret', 'content of nb-1-big-Data.db')
    const cases: [Partial<State>, RegExp][] = [
      [withSet(`${TABLE}/../../../../../../etc/nb-1-big`), /which is no path of the unit/],
      [withSet(`/data/../${TABLE}/nb-1-big`), /which is no path of the unit/],
      [withSet(`${TABLE}//nb-1-big`), /which is no path of the unit/],
      [withSet(`${TABLE}/./nb-1-big`), /which is no path of the unit/],
      [withSet(`${TABLE}/nb-1-big/`), /which is no path of the unit/],
      [withSet('/etc/cron.d/nb-1-big'), /"\/etc\/cron.d\/nb-1-big", which is no path of the unit/],
      [withFile('/'), /which is no path of the unit/],
      [withFile('/root/.ssh/authorized_keys'), /which is no path of the unit/],
      [
        withFile(`${TABLE}/x`, 'node2:/data/secret'),
        /"node2:\/data\/secret" for .*, which is no key of this node's files/,
      ],
      [withFile(`${TABLE}/x`, 'secret'), /which is no key of this node/],
      [
        withFile(`${TABLE}/x`, '.tablesnap/node2/versions/x~0123456789abcdef'),
        /which is no key of this node/,
      ],
      [withFile(`${TABLE}/x`, '.tablesnap/node1/node.json'), /which is no key of this node/],
      [withFile(`${TABLE}/${'x'.repeat(1100)}`), /whose key would be too long/],
      [withFile(`${SET}-Data.db`), /without the set that it belongs to/],
      [{ unprotected: ['/etc/passwd'] }, /which is no path of the unit/],
      [{ unexplained: [`${TABLE}/../nb-1-big`] }, /which is no path of the unit/],
      [{ directories: new Map([['/etc', { device: 1n, inode: 1n }]]) }, /which is no path of the unit/],
    ]
    let minute = 1
    for (const [more, message] of cases) {
      const [key = ''] = await write(world.client, 'node1', state(at(minute++), [], more))
      await t.rejects(world.restore(), { code: 'STATE_CORRUPT', message }, String(message))
      await t.rejects(world.restore({ partial: true, force: true }), { code: 'STATE_CORRUPT' })
      await world.client.call({ operation: 'DeleteObject', method: 'DELETE', key })
    }
    t.same(world.tree(), {})
  },
)

await t.test('a link in the target, and names that no file can have, are refused by themselves', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const outside = join(world.directory, 'outside')
  mkdirSync(outside)
  mkdirSync(join(world.target, TABLE), { recursive: true })
  symlinkSync(outside, join(world.target, TABLE, '.idx'))
  await world.putSet('nb-1-big', { directory: `${TABLE}/.idx` })
  const long = `${TABLE}/${'x'.repeat(256)}`
  await world.put(`node1:${long}`, 'x')
  const sets = new Map([
    [SET, stateSet('nb-1-big')],
    [`${TABLE}/.idx/nb-1-big`, stateSet('nb-1-big')],
  ])
  await write(world.client, 'node1', state(at(1), [], { sets, files: new Map([[long, entry('x')]]) }))
  t.match(await world.restore(), { exitCode: 1, sets: 1, failed: 9 })
  t.same(readdirSync(outside), [])
})

await t.test('numbers, texts and shapes that are none', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const { body } = await encodeState({ state: state(at(1), ['nb-1-big']), delta: undefined })
  const good = await decodeState(body, 'x')
  t.equal(good.state.sets.size, 1)
  const set = (file: string): string => `"sets": {"${SET}": {"Data.db": ${file}}}`
  const bodies: [string, RegExp][] = [
    ['null', /no object where one belongs/],
    ['[]', /no object where one belongs/],
    [`{"format": 2}`, /its format is 2, not 1/],
    [set('{"size": 1e400, "mtime": "1", "inode": 1}'), /no number where one belongs/],
    [set('{"size": -1, "mtime": "1", "inode": 1}'), /no number where one belongs/],
    [set('{"size": 1.5, "mtime": "1", "inode": 1}'), /no number where one belongs/],
    [set('{"size": 9007199254740993, "mtime": "1", "inode": 1}'), /no number where one belongs/],
    [set('{"size": 1, "mtime": "x", "inode": 1}'), /cannot be used/],
    [set(`{"size": 1, "mtime": "1", "inode": "${'9'.repeat(100_000)}"}`), /a number of it is none/],
    [set('{"size": 1, "mtime": "1", "inode": 1, "crc64": "zz"}'), /a crc64 is none/],
    [set('{"size": 1, "mtime": "1", "inode": 1, "key": 5}'), /no text where some belongs/],
    [set('5'), /no object where one belongs/],
    [
      `"sets": {"${SET}": {"../Data.db": {"size": 1, "mtime": "1", "inode": 1}}}`,
      /"..\/Data.db" is no component/,
    ],
    [`"sets": {"nb-1-big": {}}`, /is no absolute path/],
    [`"unprotected": "${SET}"`, /no list where one belongs/],
    [`"time": "yesterday"`, /its time is none/],
    [`"time": "2026-11-23T05:00:00.000Z"`, /it is of 2026-11-23T05:00:00.000Z/],
    [`"unit": "ks1/other"`, /it is of unit ks1\/other/],
    [
      `"base": ".tablesnap/node2/states/${UNIT}/8204592000000-20260101T000000000Z.json.gz"`,
      /no state of this node/,
    ],
    [`"base": "secret"`, /no state of this node/],
  ]
  const rest = {
    format: 1,
    node: 'node1',
    epoch: 1,
    unit: UNIT,
    time: new Date(at(1)).toISOString(),
    base: null,
    gap: false,
    unexplained: [],
    directories: {},
    sets: {},
    files: {},
    removed: [],
    unprotected: [],
  }
  for (const [text, message] of bodies) {
    // Of two members of one name the last counts.
    const body = text.startsWith('"') ? `${JSON.stringify(rest).slice(0, -1)}, ${text}}` : text
    await world.put(KEYS.state(UNIT, at(1)), gzipSync(body))
    await t.rejects(world.restore(), { code: 'STATE_CORRUPT', message }, text.slice(0, 100))
  }
  const huge = `${JSON.stringify(rest).slice(0, -1)}, ${set('{"size": 9007199254740991, "mtime": "1", "inode": 1}')}}`
  await world.put(KEYS.state(UNIT, at(1)), gzipSync(huge))
  await t.rejects(world.restore(), {
    code: 'STATE_DAMAGED',
    message: /has 27 bytes in the bucket, and by its state 9007199254740991/,
  })
  t.same(world.tree(), {})
})

await t.test('a state that unpacks to more than any table has', async t => {
  await world.reset()
  const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024, ' '), { level: 1 })
  await world.put(KEYS.state(UNIT, at(1)), bomb)
  await t.rejects(world.restore(), { code: 'STATE_CORRUPT', message: /cannot be used/ })
  t.same(world.tree(), {})
})

await t.test('names that mean something to JavaScript are names', async t => {
  await world.reset()
  const path = `${TABLE}/__proto__`
  await world.put(`node1:${path}`, 'x')
  await write(world.client, 'node1', state(at(1), [], { files: new Map([[path, entry('x')]]) }))
  t.match(await world.restore(), { exitCode: 0, files: 1 })
  t.same(Object.keys(world.tree()), [path])
})
