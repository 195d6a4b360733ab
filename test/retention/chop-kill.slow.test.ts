import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { ChopNode } from './support.js'
import { Random } from '../manifest/random.js'
import { BucketStates } from '../support/bucket-states.js'

const KILLS = Number(process.env['KILLS'] ?? 50)
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const BINARY = fileURLToPath(new URL('../../src/cli/tablechop.js', import.meta.url))

/** Starts tablechop and kills it after some time; undefined: it runs to its end. */
async function chop(args: readonly string[], after: number | undefined): Promise<number | null> {
  const child = spawn('/usr/bin/env', ['-u', 'NODE_OPTIONS', process.execPath, BINARY, ...args], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', TABLESNAP_CONF: '/dev/null' },
    stdio: 'ignore',
  })
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  if (after !== undefined) {
    await Promise.race([ended, sleep(after)])
    child.kill('SIGKILL')
  }
  return ended
}

await t.test(
  `kill -9 of tablechop at ${KILLS} random moments loses nothing (SEED=${SEED})`,
  { timeout: 900_000 },
  async t => {
    const random = new Random(SEED)
    const world = await ChopNode.create(t)
    const { node } = world
    const states = new BucketStates(node)
    const tables = ['0a', '0b'].map(id => node.table(`ks/t${id}-${id.repeat(16)}`))
    const flags = [...node.bucket.flags, '-r', '--grace', '1s', '--force', 'bucket', node.data, '0']
    let [kills, generation] = [0, 0]
    while (kills < KILLS) {
      for (const table of tables) {
        const old = table.names()
        for (let i = 0; i < 3; i++) table.flush(`nb-${++generation}-big`)
        if (random.chance(0.7)) for (const name of old) rmSync(`${table.path}/${name}`, { force: true })
      }
      await node.backUp()
      world.pass(1_500)
      const complete = (await states.all()).length
      for (let i = 0; i < 5 && kills < KILLS; i++, kills++) {
        await chop(flags, 150 + random.below(700))
        world.pass(2_000)
      }
      t.same(await states.problems(await states.all()), [], `after ${kills} kills`)
      t.ok(complete > 0)
      world.clock.shift %= 600_000
    }
    for (let run = 0; run < 3; run++) {
      t.equal(await chop(flags, undefined), 0)
      world.pass(2_000)
    }
    const left = await states.all()
    t.equal(left.length, tables.length, 'the newest restore point of each table stays')
    t.same(await states.problems(left), [])
    const named = left
      .flatMap(({ sets }) => [...sets.values()])
      .reduce((sum, { components }) => sum + components.size, 0)
    const files = (await node.keys('node1:')).filter(key => !key.endsWith('-listdir.json'))
    t.equal(files.length, named, 'and nothing else')
  },
)
