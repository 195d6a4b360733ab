import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { States } from '../../src/manifest/states.js'
import { chooseNaming } from '../../src/restore/choose/file-choice.js'

import { KEYS, UNIT, at, state, write } from './states.js'
import { TABLE, World } from './support.js'

const world = await World.start(t)

/** The minute of the state that is chosen for a set. */
async function minuteOf(set: string, uploaded?: number): Promise<number | undefined> {
  const states = new States(world.client, KEYS)
  const search = { states, unit: UNIT, uploaded, log: world.log }
  const choice = await chooseNaming(search, ({ sets }) => sets.has(`${TABLE}/${set}`))
  return choice === undefined ? undefined : (choice.state.time - at(0)) / 60_000
}

await t.test('the oldest state that names a file, restorable if any is', async t => {
  for (let minute = 0; minute < 30; minute++) {
    const names = [
      ...(minute >= 4 && minute < 26 ? ['nb-1-big'] : []),
      // The generation number was used again.
      ...(minute < 3 || (minute >= 9 && minute < 12) ? ['nb-2-big'] : []),
      ...(minute === 20 || minute === 21 ? ['nb-3-big'] : []),
      ...(minute === 0 ? ['nb-4-big'] : []),
    ]
    const unprotected = minute < 6 || minute === 20 || minute === 21 ? [`${TABLE}/nb-9-big`] : []
    await write(world.client, 'node1', state(at(minute), names, { unprotected }))
  }
  t.equal(await minuteOf('nb-1-big'), 6, 'the first that is whole')
  t.equal(await minuteOf('nb-2-big'), 9, 'the newer file of the name')
  t.equal(await minuteOf('nb-3-big'), 20, 'none of them is whole')
  t.equal(await minuteOf('nb-4-big'), 0, 'the last that is looked at')
  t.equal(await minuteOf('nb-5-big'), undefined)
})

await t.test('of very many restore points few are read: those written after the file came', async t => {
  await world.reset()
  const old = Array.from({ length: 1100 }, (_, second) => state(at(0, second), ['nb-2-big']))
  for (let begin = 0; begin < old.length; begin += 50)
    await Promise.all(old.slice(begin, begin + 50).map(one => write(world.client, 'node1', one)))
  await sleep(2100)
  const uploaded = Date.now() - 1000
  const lacking = { unprotected: [`${TABLE}/nb-9-big`] }
  await write(world.client, 'node1', state(at(30), ['nb-1-big'], lacking), state(at(31), ['nb-1-big']))
  await write(world.client, 'node1', ...Array.from({ length: 20 }, (_, more) => state(at(32 + more), [])))
  const reads = (): number =>
    world.server.requests.filter(({ operation }) => operation === 'GetObject').length
  world.server.requests.length = 0
  t.equal(await minuteOf('nb-1-big', uploaded), 31)
  t.ok(reads() <= 10, `${reads()} manifests`)
  world.server.requests.length = 0
  t.equal(await minuteOf('nb-3-big', uploaded), undefined)
  t.ok(reads() <= 1026, `${reads()} manifests`)
  t.match(world.log.lines.at(-1), /1122 restore points; none of the 1024 that were looked at .* --at/)
})

await t.test('the Python program’s listing goes before states, ours after', async t => {
  await world.reset()
  const one = await world.putSet('nb-1-big')
  await world.putSet('nb-2-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big']), state(at(2), ['nb-1-big', 'nb-2-big']))
  const key = `node1:${TABLE}/nb-2-big-Data.db-listdir.json`
  const scope = { origin: TABLE, take: { listing: 'nb-2-big-Data.db' } } as const
  const listing = JSON.stringify({ [TABLE]: one })
  t.match(await world.restore({ scope }), { exitCode: 0, sets: 2 })
  await world.put(key, listing, { metadata: { tablesnap: '2' } })
  t.match(await world.restore({ scope, target: `${world.target}/own` }), { exitCode: 0, sets: 2 })
  await world.put(key, listing)
  t.match(await world.restore({ scope, target: `${world.target}/python` }), { exitCode: 0, sets: 1 })
})
