import t from 'tap'

import { killAgainAndAgain } from './kills.js'

await t.test('50 kills of a restore into nothing', async t => {
  await killAgainAndAgain(t, { kills: 50, sets: 60, foreign: 0, delay: 80 })
})

await t.test('50 kills of a restore with --replace', async t => {
  await killAgainAndAgain(t, { kills: 50, sets: 60, foreign: 20, delay: 80 })
})
