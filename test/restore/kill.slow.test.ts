import t from 'tap'

import { killAgainAndAgain } from './kills.js'

await t.test('a restore that is killed again and again, and goes on each time', async t => {
  await killAgainAndAgain(t, { kills: 8, sets: 8, foreign: 2, delay: 40 })
})
