import t from 'tap'

import { crc64nvme } from 'tablesnap-io'

import { TABLE, World } from './support.js'
import { KEYS, at, components, entry, state, stateSet, write } from './states.js'

const world = await World.start(t, { memory: 12 * 1024 * 1024 })

function dataFiles(): string[] {
  return Object.keys(world.tree()).filter(path => path.endsWith('-Data.db'))
}

async function remove(key: string): Promise<void> {
  await world.client.call({ operation: 'DeleteObject', method: 'DELETE', key })
}

await t.test(
  'an object that a state promises and the bucket lacks stops it before the first byte',
  async t => {
    await world.reset()
    await world.putSet('nb-1-big')
    await world.putSet('nb-2-big')
    await world.putSet('nb-3-big')
    await world.put(`node1:${TABLE}/nb-3-big-Index.db`, 'other size')
    await write(world.client, 'node1', state(at(1), ['nb-1-big', 'nb-2-big', 'nb-3-big']))
    await remove(`node1:${TABLE}/nb-1-big-Filter.db`)
    await remove(`node1:${TABLE}/nb-2-big-Statistics.db`)
    await t.rejects(world.restore(), {
      code: 'STATE_DAMAGED',
      message:
        /nb-1-big-Filter.db is missing from the bucket.*nb-3-big-Index.db has 10 bytes in the bucket, and by its state 28.*--partial/,
    })
    t.same(world.tree(), {})
    t.match(await world.restore({ dryRun: true }), { exitCode: 1 })

    t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 1, files: 7, missing: 3 })
    t.same(dataFiles(), [`${TABLE}/nb-1-big-Data.db`], 'Cassandra can do without a filter only')
    t.equal(world.log.like(/^warn .*nb-2-big is not restored/).length, 1)
  },
)

await t.test(
  "an object with other content than the state's is damage, whatever its own checksum says",
  async t => {
    await world.reset()
    await world.putSet('nb-1-big')
    await world.putSet('nb-2-big')
    const large = Buffer.alloc(11 * 1024 * 1024, 'x')
    await world.put(`node1:${TABLE}/nb-2-big-Index.db`, large)
    await world.put(`node1:${TABLE}/nb-1-big-Index.db`, 'CONTENT of nb-1-big-Index.db')
    const wrong = entry(Buffer.alloc(large.length, 'y'))
    const sets = new Map([
      [`${TABLE}/nb-1-big`, stateSet('nb-1-big')],
      [
        `${TABLE}/nb-2-big`,
        stateSet('nb-2-big', { components: components('nb-2-big').set('Index.db', wrong) }),
      ],
    ])
    await write(world.client, 'node1', state(at(1), [], { sets }))
    t.ok(world.engine.usual < large.length, 'it is fetched in ranges')
    t.match(await world.restore({ partial: true }), { exitCode: 1, sets: 0, failed: 16 })
    t.same(world.tree(), {})
    for (const set of ['nb-1-big', 'nb-2-big']) {
      const line = new RegExp(
        `^error Error downloading .*${set}-Index.db: the object is damaged: its crc64nvme should be`,
      )
      t.equal(world.log.like(line).length, 1)
    }
    const right = crc64nvme(large).toString(16).padStart(16, '0')
    sets.set(
      `${TABLE}/nb-2-big`,
      stateSet('nb-2-big', {
        components: components('nb-2-big').set('Index.db', { ...wrong, crc64: right }),
      }),
    )
    sets.delete(`${TABLE}/nb-1-big`)
    await write(world.client, 'node1', state(at(2), [], { sets }))
    t.match(await world.restore(), { exitCode: 0, sets: 1, unverified: 0 })
  },
)

await t.test('an entry without a checksum is compared with what the server says', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const plain = new Map(
    [...components('nb-1-big')].map(([name, one]) => [name, { ...one, crc64: undefined }]),
  )
  await write(
    world.client,
    'node1',
    state(at(1), [], { sets: new Map([[`${TABLE}/nb-1-big`, stateSet('x', { components: plain })]]) }),
  )
  t.match(await world.restore(), { exitCode: 0, sets: 1, unverified: 0 })
  world.write(`${TABLE}/nb-1-big-Data.db`, 'CONTENT of nb-1-big-Data.db')
  await t.rejects(world.restore(), { code: 'TARGET_CONFLICT' })
})

await t.test('what is there already is compared with the state', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big']))
  world.write(`${TABLE}/nb-1-big-Data.db`, 'CONTENT of nb-1-big-Data.db')
  await t.rejects(world.restore(), { code: 'TARGET_CONFLICT' })
  t.match(await world.restore({ force: true }), { exitCode: 0 })
  t.match(await world.restore(), { exitCode: 0, files: 0, skipped: 8 })
})

await t.test('a set that was damaged on the node is refused without --force', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await world.putSet('nb-2-big')
  const sets = new Map([
    [`${TABLE}/nb-1-big`, stateSet('nb-1-big', { corrupt: true })],
    [`${TABLE}/nb-2-big`, stateSet('nb-2-big')],
  ])
  await write(world.client, 'node1', state(at(1), [], { sets }))
  await t.rejects(world.restore(), {
    code: 'SET_CORRUPT',
    message: /Digest.crc32 \(.*nb-1-big\): --force brings/,
  })
  t.same(world.tree(), {})
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 1 })
  t.same(dataFiles(), [`${TABLE}/nb-2-big-Data.db`])
  t.equal(world.log.like(/^warn .*nb-1-big is not restored: it was already corrupt on the node/).length, 1)
  t.match(await world.restore({ force: true }), { exitCode: 0, sets: 1 })
  t.equal(dataFiles().length, 2)
})

await t.test('a manifest that cannot be read is an error that says how to go on', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const [first = '', second = ''] = await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(2), ['nb-1-big']),
  )
  const key = KEYS.state('ks1/t1-0a1b2c3d4e5f60718293a4b5c6d7e8f9', at(3))
  for (const body of ['', 'no gzip', Buffer.from('1f8b0800000000000003', 'hex')]) {
    await world.put(key, body)
    await t.rejects(world.restore(), {
      code: 'STATE_CORRUPT',
      message:
        /manifest .*04\d*Z?.*\.json\.gz cannot be used: .*; restore an earlier moment with --at 2026-11-23T04:02:59.999Z, or delete it/,
    })
    t.same(world.tree(), {})
  }
  t.match(await world.restore({ at: at(3) - 1 }), { exitCode: 0, sets: 1 })

  await remove(key)
  await write(world.client, 'node1', {
    state: state(at(4), []),
    delta: { base: first, removed: [], totals: undefined },
  })
  await remove(first)
  await t.rejects(world.restore(), { code: 'STATE_CORRUPT', message: /its base .* is missing; .*--at/ })
  t.ok(second)
})

await t.test(
  'one beneath states that may not be restored is an error as well, and not passed over',
  async t => {
    await world.reset()
    await world.putSet('nb-1-big')
    await write(
      world.client,
      'node1',
      state(at(1), ['nb-1-big']),
      state(at(3), ['nb-1-big'], { unprotected: [`${TABLE}/nb-2-big`] }),
    )
    await world.put(KEYS.state('ks1/t1-0a1b2c3d4e5f60718293a4b5c6d7e8f9', at(2)), 'junk')
    await t.rejects(world.restore(), { code: 'STATE_CORRUPT', message: /--at 2026-11-23T04:01:59.999Z/ })
  },
)
