import t from 'tap'

import { DurableAndLive, PerTransaction } from './broken-choices.js'
import { making, MUTANTS } from './mutants.js'
import { PLAIN, runHistory } from './run-history.js'

const HISTORIES = 5_000

for (const [title, Rule, weights] of MUTANTS) {
  await t.test(`it is found: ${title}`, async t => {
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const { broken } = runHistory(seed, making(Rule), weights === undefined ? {} : { weights })
      if (broken !== undefined) return t.pass(`by history ${seed}: ${broken}`)
    }
    t.fail(`not by ${HISTORIES} histories`)
  })
}

// What DESIGN gives as the reason for the rule.
for (const [title, Rule] of [
  ['a state per transaction', PerTransaction],
  ['a state of whatever is live and durable', DurableAndLive],
] as const) {
  await t.test(`flushes and compactions, eight of them: ${title}`, async t => {
    const count = 2_000
    let broken = 0
    for (let seed = 1; seed <= count; seed++)
      if (runHistory(seed, making(Rule), { length: 8, weights: PLAIN, anyMoment: true }).broken !== undefined)
        broken++
    t.comment(`${broken} of ${count} histories have a state that never was`)
    t.ok(broken > count / 6, `${broken} of ${count}`)
  })
}
