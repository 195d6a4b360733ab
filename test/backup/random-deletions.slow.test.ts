import t from 'tap'

import { TestNode } from '../support/node.js'
import { DELETIONS, randomDeletions } from '../support/random-deletions.js'

const SEED = Number(process.env['SEED'] ?? 1)
const ROUNDS = Number(process.env['ROUNDS'] ?? 20)

await t.test(`${ROUNDS * DELETIONS} objects that are deleted at random`, async t => {
  const node = await TestNode.create(t)
  await randomDeletions(t, node.bucket, node.data, { seed: SEED, rounds: ROUNDS })
})
