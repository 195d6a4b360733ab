import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { TABLE, World } from './support.js'
import { UNIT, at, entry, state, stateSet, write } from './states.js'

const world = await World.start(t)

/** The sets that are in the target. */
function sets(target = world.target): string[] {
  const names = Object.keys(world.tree(target)).map(path => /([^/]*)-Data\.db$/.exec(path)?.[1])
  return names.filter(name => name !== undefined).sort()
}

await t.test('the newest state is restored, exactly, and its moment is told', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big']) await world.putSet(set)
  await write(world.client, 'node1', state(at(1), ['nb-1-big']), state(at(2), ['nb-2-big', 'nb-3-big']))
  world.server.requests.length = 0
  t.match(await world.restore(), { exitCode: 0, sets: 2, files: 16, missing: 0, unverified: 0 })
  t.same(sets(), ['nb-2-big', 'nb-3-big'])
  t.equal(readFileSync(join(world.target, TABLE, 'nb-2-big-Data.db'), 'utf8'), 'content of nb-2-big-Data.db')
  t.same(world.log.like(/complete to the flush of/), [
    `info ${UNIT} will be complete to the flush of 2026-11-23T04:02:00.000Z; later writes are only in the commitlog`,
  ])
  t.ok(world.server.requests.filter(({ operation }) => operation === 'ListObjectsV2').length <= 4)

  world.server.requests.length = 0
  t.match(await world.restore(), { exitCode: 0, sets: 0, skipped: 16 })
  t.notOk(
    world.server.requests.some(({ operation }) => operation === 'HeadObject'),
    'the state says all that is compared',
  )
})

await t.test('--at: the newest state not later than that; a delta counts with its base', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big']) await world.putSet(set)
  const [base = ''] = await write(world.client, 'node1', state(at(1), ['nb-1-big', 'nb-2-big']))
  await write(world.client, 'node1', {
    state: state(at(2), ['nb-3-big']),
    delta: { base, removed: [`${TABLE}/nb-1-big`], totals: undefined },
  })
  const run = async (time: number): Promise<string[]> => {
    const target = join(world.directory, `at${time}`)
    t.match(await world.restore({ at: time, target }), { exitCode: 0 })
    return sets(target)
  }
  t.same(await run(at(1)), ['nb-1-big', 'nb-2-big'])
  t.same(await run(at(1, 59)), ['nb-1-big', 'nb-2-big'])
  t.same(await run(at(2)), ['nb-2-big', 'nb-3-big'])
  await t.rejects(world.restore({ at: at(1) - 1 }), {
    code: 'MOMENT_MISSING',
    message: /node1 .*04:00:59.999Z/,
  })
})

await t.test('a table that is younger than --at is left out, and told', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const other = '/data/other'
  await world.put(`node1:${other}/x`, 'x')
  const files = new Map([[`${other}/x`, entry('x')]])
  await write(
    world.client,
    'node1',
    state(at(3), ['nb-1-big']),
    state(at(1), [], { unit: 'data/other', files, directories: new Map() }),
  )
  t.match(await world.restore({ at: at(2) }), { exitCode: 0, files: 1 })
  t.same(Object.keys(world.tree()), [`${other}/x`])
  t.equal(
    world.log.like(
      /^info .*t1-\w+ is left out: it has no restore point and no upstream listing as old as that/,
    ).length,
    1,
  )
  t.equal(world.log.like(/^info \/data\/other will be as it was at 2026-11-23T04:01/).length, 1)
})

await t.test(
  'a newer restore point that is not whole is passed over aloud: exit 1 unless it is accepted',
  async t => {
    await world.reset()
    await world.putSet('nb-1-big')
    await world.putSet('nb-2-big')
    const gone = `${TABLE}/nb-0-big`
    const [, , key = ''] = await write(
      world.client,
      'node1',
      state(at(1), ['nb-1-big']),
      state(at(2), ['nb-2-big'], { unprotected: [`${TABLE}/nb-9-big`] }),
      state(at(3), ['nb-2-big'], { unexplained: [gone] }),
    )
    t.match(await world.restore(), { exitCode: 1, sets: 1 })
    t.same(sets(), ['nb-1-big'])
    t.same(world.log.like(/^warn/), [
      `warn ${UNIT}: its 2 newest restore points, the newest of 2026-11-23T04:03:00.000Z, are passed over: ` +
        '1 SSTable had vanished from the node for no known reason; that of 2026-11-23T04:01:00.000Z is restored instead. ' +
        `To accept the older one: --partial, or --at 2026-11-23T04:01:00.000Z; for the newest as it is: --at ${key}`,
    ])
    t.match(await world.restore({ at: at(2, 30) }), { exitCode: 1 }, 'also with a time between')
    t.match(await world.restore({ partial: true }), { exitCode: 0 })
    t.match(await world.restore({ at: at(1) }), { exitCode: 0 })
    const exact = join(world.directory, 'exact')
    t.match(await world.restore({ atKey: key, target: exact }), { exitCode: 1, sets: 1 })
    t.same(sets(exact), ['nb-2-big'], 'the key means that very restore point')
    t.equal(world.log.like(/^warn .*nb-0-big is not restored: it had vanished/).length, 1)
  },
)

await t.test('many states that may not be restored are passed in a few steps', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const unprotected = [`${TABLE}/nb-9-big`]
  const partial = Array.from({ length: 20 }, (_, index) => state(at(2, index), ['nb-1-big'], { unprotected }))
  await write(world.client, 'node1', state(at(1), ['nb-1-big']), ...partial)
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 1 })
  t.equal(world.log.like(/20 newest restore points, the newest of 2026-11-23T04:02:19.000Z/).length, 1)
  t.match(await world.restore({ at: at(2, 4), partial: true }), { exitCode: 0 })
  t.equal(world.log.like(/5 newest restore points, the newest of 2026-11-23T04:02:04.000Z/).length, 1)
})

await t.test('without any whole state: the whole sets of the newest one, and how to mend it', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await world.putSet('nb-2-big')
  // An unprotected set may be named among the sets as well.
  await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big'], { unprotected: [`${TABLE}/nb-0-big`] }),
    state(at(2), ['nb-1-big', 'nb-2-big', 'nb-3-big'], { unprotected: [`${TABLE}/nb-3-big`, `${TABLE}/x`] }),
  )
  t.match(await world.restore(), { exitCode: 1, sets: 2, missing: 2, failed: 0 })
  t.same(sets(), ['nb-1-big', 'nb-2-big'])
  t.same(world.log.like(/^warn/), [
    `warn ${UNIT} has no complete restore point: tablesnap restores only the complete SSTables of its newest one, of 2026-11-23T04:02:00.000Z`,
    `warn ${TABLE}/nb-3-big is not restored: it was not in the bucket`,
    `warn ${TABLE}/x is not restored: it was not in the bucket`,
    `warn For a complete restore point of ${UNIT}, run on the node that was backed up: tablesnap -n node1 -B bucket ${TABLE}`,
  ])
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 0, skipped: 16 })
  world.write(`${TABLE}/nb-3-big-Data.db`, 'it is part of that moment, and no SSTable of another')
  t.match(await world.restore({ partial: true, replace: true }), { exitCode: 0 })
  t.same(sets(), ['nb-1-big', 'nb-2-big', 'nb-3-big'])
})

await t.test('sets that vanished: the rest comes, and --take-over is named', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big'], { unexplained: [`${TABLE}/nb-0-big`] }))
  t.match(await world.restore(), { exitCode: 1, sets: 1, missing: 1 })
  t.equal(world.log.like(/^warn .*nb-0-big is not restored: it had vanished/).length, 1)
  t.equal(world.log.like(/^warn .*copy the vanished SSTables back to the node, or .* --take-over/).length, 1)
})

await t.test('other contents of a file come by the key that the state names', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const key = `.tablesnap/node1/versions${TABLE}/nb-1-big-Statistics.db~0123456789abcdef`
  await world.put(key, 'rewritten')
  const whole = stateSet('nb-1-big')
  const set = {
    ...whole,
    components: new Map([...whole.components, ['Statistics.db', entry('rewritten', key)]]),
  }
  await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(2), [], { sets: new Map([[`${TABLE}/nb-1-big`, set]]) }),
  )
  const text = (target: string) => readFileSync(join(target, TABLE, 'nb-1-big-Statistics.db'), 'utf8')
  t.match(await world.restore(), { exitCode: 0, files: 8 })
  t.equal(text(world.target), 'rewritten')
  const before = join(world.directory, 'before')
  await world.restore({ at: at(1), target: before })
  t.equal(text(before), 'content of nb-1-big-Statistics.db')
})

await t.test('files that are no SSTables are restored, and kept sets as any', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await world.put(`node1:${TABLE}/manifest.json`, '{}')
  await world.put(`node1:${TABLE}/other.json`, 'the state does not name it')
  await world.put(`node1:${TABLE}/nb_txn_flush_1.log`, 'ADD:[/nb-1-big-,0,8][1]')
  const names = ['manifest.json', 'nb_txn_flush_1.log']
  const files = new Map(names.map(name => [`${TABLE}/${name}`, entry(name === 'manifest.json' ? '{}' : 'x')]))
  await write(
    world.client,
    'node1',
    state(at(1), [], { sets: new Map([[`${TABLE}/nb-1-big`, stateSet('nb-1-big', { kept: true })]]), files }),
  )
  t.match(await world.restore(), { exitCode: 0, sets: 2, files: 9 })
  t.ok(world.tree()[`${TABLE}/manifest.json`])
  t.notOk(world.tree()[`${TABLE}/nb_txn_flush_1.log`], 'Cassandra would delete what it names')
})

await t.test('--dry-run prints the plan, and --all brings every object', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await world.putSet('nb-2-big')
  await write(world.client, 'node1', state(at(2), ['nb-2-big']))
  t.match(await world.restore({ dryRun: true }), { exitCode: 0, sets: 1, files: 8 })
  t.same(world.tree(), {})
  t.equal(world.log.like(/^info Would restore .*nb-2-big to .*: 8 files/).length, 1)
  t.equal(world.log.like(/complete to the flush of 2026-11-23T04:02/).length, 1)
  t.match(await world.restore({ all: true }), { exitCode: 0, files: 16 })
})

await t.test('a table that was empty: the last restore point with SSTables is named', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(2), [], { unprotected: [`${TABLE}/nb-2-big`] }),
    state(at(3), []),
  )
  t.match(await world.restore(), { exitCode: 0, sets: 0 })
  t.same(world.tree(), {})
  const line =
    'had no SSTables at 2026-11-23T04:03:00.000Z: nothing of it is restored; its last complete restore point with ' +
    'SSTables is of 2026-11-23T04:01:00.000Z (1 SSTable): --at 2026-11-23T04:01:00.000Z'
  t.equal(world.log.lines.filter(text => text === `info ${UNIT} ${line}`).length, 1)
  const only = { keyspaces: [], tables: ['ks1.t1'] }
  t.match(await world.restore({ only }), { exitCode: 1, sets: 0 }, 'it was asked for')
  t.equal(world.log.like(/^error Nothing of ks1\/t1-\w+ is restored, although it was asked for/).length, 1)
  t.match(await world.restore({ only, partial: true }), { exitCode: 0 })
  const scope = { origin: TABLE, take: 'newest' } as const
  t.match(await world.restore({ scope }), { exitCode: 1 })
  t.match(await world.restore({ only, at: at(1) }), { exitCode: 0, sets: 1 })
})

await t.test('a table that was dropped is not missed where one of its name comes', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const dropped = UNIT.replace(/-[0-9a-f]{32}$/, `-${'0'.repeat(32)}`)
  const directory = TABLE.replace(UNIT, dropped)
  const directories = new Map([[directory, { device: 1n, inode: 2n }]])
  await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(1), [], { unit: dropped, directories }),
  )
  const named = (...tables: string[]) => ({ only: { keyspaces: [], tables } })
  t.match(await world.restore(named('ks1.t1')), { exitCode: 0, sets: 1 })
  t.match(await world.restore(named(dropped.replace('/', '.'))), { exitCode: 1, sets: 0 })
})

await t.test('a table of which only an index has SSTables is not called complete', async t => {
  await world.reset()
  const index = `${TABLE}/.idx`
  await world.putSet('nb-1-big', { directory: index })
  const sets = new Map([[`${index}/nb-1-big`, stateSet('nb-1-big')]])
  await write(world.client, 'node1', state(at(1), [], { sets }))
  t.match(await world.restore({ only: { keyspaces: [], tables: ['ks1.t1'] } }), { exitCode: 1, sets: 1 })
  t.equal(world.log.like(/had no SSTables at .*: only those of its indexes are restored/).length, 1)
  t.equal(world.log.like(/complete to the flush/).length, 0)
})

await t.test('a restore point from the future is named, and later ones go before it', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big']) await world.putSet(set)
  const hour = 3_600_000
  await write(world.client, 'node1', state(Date.now() + 2 * hour, ['nb-1-big']))
  t.match(await world.restore(), { exitCode: 0 })
  t.equal(
    world.log.like(/^warn .*its newest restore point was in the future when the bucket got it/).length,
    1,
  )
  world.shift += 5000
  await write(world.client, 'node1', state(Date.now() + world.shift, ['nb-2-big']))
  const target = join(world.directory, 'later')
  t.match(await world.restore({ target }), { exitCode: 0 })
  t.same(sets(target), ['nb-2-big'])
  t.equal(world.log.like(/^warn/).length, 0)
})

await t.test('on the way back from a restore point that is not whole time goes back', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-7-big']) await world.putSet(set)
  await world.put('.tablesnap/node1/node.json', '{"format":1,"writer":"b","host":"b","epoch":2,"since":0}')
  await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(2), ['nb-7-big'], { epoch: 2, unexplained: [`${TABLE}/nb-1-big`] }),
    state(at(2, 50), ['nb-2-big']),
  )
  t.match(await world.restore(), { exitCode: 1 })
  t.same(sets(), ['nb-1-big'], 'not to what the writer that lost the name wrote after that')
})

await t.test('what a writer wrote after it lost the name does not count', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-7-big']) await world.putSet(set)
  await world.put('.tablesnap/node1/node.json', '{"format":1,"writer":"b","host":"b","epoch":2,"since":0}')
  await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(2), ['nb-7-big'], { epoch: 2 }),
    state(at(2, 50), ['nb-1-big']),
  )
  t.match(await world.restore(), { exitCode: 0, sets: 1 })
  t.same(sets(), ['nb-7-big'])
  const target = join(world.directory, 'prior')
  t.match(await world.restore({ target, at: at(1, 59) }), { exitCode: 0, sets: 1 })
  t.same(sets(target), ['nb-1-big'])
})
