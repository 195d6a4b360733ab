import t from 'tap'

import { FOUND } from './found-histories.js'
import { History } from './history.js'
import { PLAIN } from './scenario.js'
import { REAL_CORE } from './seeds.js'

for (const { title, script } of FOUND) {
  await t.test(title, async t => {
    const { violation, trace } = await new History({ ...PLAIN, ...script }, REAL_CORE).run()
    t.equal(violation, undefined, trace.join('\n'))
  })
}
