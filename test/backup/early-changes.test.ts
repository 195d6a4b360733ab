import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Tracked } from '../support/tracked.js'

await t.test(
  'changes before it is known what the bucket holds make nothing go up again that lies there',
  async t => {
    const first = new Tracked(t, { auto: true })
    const table = first.table()
    for (let set = 1; set <= 5; set++) table.set(`nb-${set}-big`)
    first.scan('start', table)
    await first.idle()
    const newest = first.newest()
    t.equal(newest?.sets.size, 5)

    const next = new Tracked(t, { auto: true, load: false, base: first.base })
    next.scan('start', table)
    await next.quiet()
    // A transaction log that was gone before it could be read, and events that the kernel dropped: the directory is scanned again.
    next.event(join(table.path, 'nb_txn_flush_0f4c1f60-d1a5-11f0-9d1a-3b3f6e1f5a10.log'), 'created')
    next.sensor.lostEvents(next.core(), 'the kernel dropped inotify events (queue overflow)')
    next.scan('rescan', table)
    next.copy(table, 'nb-6-big')
    writeFileSync(
      table.paths('nb-2-big').find(path => path.endsWith('-Statistics.db'))!,
      'repaired',
    )
    next.scan('rescan', table)
    await next.quiet()
    next.load(next.core(), newest)
    await next.idle()
    t.same([...new Set(next.all.map(({ files }) => files.name))].sort(), ['nb-2-big', 'nb-6-big'])
    t.equal(next.newest()?.sets.size, 6)
    t.ok(next.gaps > 0)
  },
)
