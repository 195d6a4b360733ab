import t from 'tap'

import type { MakeCore } from './core.js'
import { HISTORIES, type Told } from './histories.js'
import { Scenario } from './scenario.js'
import { OLD_CORE, REAL_CORE } from './seeds.js'

async function wrongWith({ script = {}, play }: Told, core: MakeCore): Promise<string | undefined> {
  const scenario = new Scenario(script, core)
  const problem = await play(scenario)
  const wrong = scenario.checks.violation ?? problem
  return wrong === undefined ? undefined : `${wrong}\n${scenario.trace.join('\n')}`
}

for (const told of HISTORIES) {
  await t.test(told.title, async t => {
    t.equal(await wrongWith(told, REAL_CORE), undefined)
    if (told.isWrongBefore)
      t.not(await wrongWith(told, OLD_CORE), undefined, 'the rule of before goes wrong in it')
  })
}
