import t from 'tap'

import { History } from './history.js'
import { REAL_CORE } from './seeds.js'
import { PLAIN } from './scenario.js'
import { SHRUNK_LOSSES } from './shrunk-losses.js'
import { SHRUNK_NAMES } from './shrunk-names.js'

/** So many orders of the steps of each history are tried. */
const ORDERS = 60

for (const { title, script, events, firstOrder = 0 } of [...SHRUNK_LOSSES, ...SHRUNK_NAMES])
  void t.test(title, async t => {
    const all = events.map(([what, after, salt]) => ({ what, after, salt }))
    for (let salt = firstOrder; salt < firstOrder + ORDERS; salt++) {
      const { violation } = await new History({ ...PLAIN, ...script, salt, events: all }, REAL_CORE).run()
      if (violation !== undefined) t.fail(`in order ${salt}: ${violation}`)
    }
  })
