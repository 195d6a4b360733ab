import t from 'tap'

import { Directory } from '../../src/backup/directory.js'
import { Gaps } from '../../src/backup/gaps.js'
import { Unit } from '../../src/backup/unit.js'
import { until } from '../support/node.js'
import { turn } from '../support/tracked.js'

/** A unit of one directory whose scan takes `cost` ms, and what is done with it. */
function scanned(cost: number, paced = true) {
  const unit = new Unit('ks/t', true)
  unit.directories.set('/d', new Directory('/d', unit, '', undefined, { file: () => true }))
  const log: string[] = []
  const gaps = new Gaps({
    begin: () => {
      log.push('begin')
      unit.voided = false
      unit.rescans.add('/d')
    },
    rescan: paths => {
      const end = performance.now() + cost
      while (performance.now() < end);
      log.push(`scan ${paths.join(' ')}`)
      unit.rescans.clear()
    },
    paced,
  })
  return { unit, log, gaps }
}

await t.test('a unit is scanned at once, and the next time after a hundred times what that took', async t => {
  const { unit, log, gaps } = scanned(10)
  gaps.missed(unit)
  await turn()
  t.same(log, ['begin', 'scan /d'])
  const began = performance.now()
  gaps.missed(unit)
  t.same(log.splice(0), ['begin', 'scan /d', 'begin'], 'no commit is believed from then on')
  await turn()
  gaps.missed(unit)
  t.same(log, ['begin'], 'what is missed meanwhile begins anew, too')
  t.notOk(unit.voided, 'the scan is still to come')
  await until(() => log.includes('scan /d'))
  t.ok(performance.now() - began > 900)
  t.same(log, ['begin', 'scan /d'])
})

await t.test('what is missed while a scan is under way voids it', async t => {
  const { unit, log, gaps } = scanned(0)
  unit.rescans.add('/d')
  gaps.missed(unit)
  await turn()
  t.same([log, unit.voided], [[], true])
})

await t.test('a one-shot backup does not wait, and what is stopped scans no more', async t => {
  const once = scanned(10, false)
  once.gaps.missed(once.unit)
  await turn()
  once.gaps.missed(once.unit)
  await turn()
  t.same(once.log, ['begin', 'scan /d', 'begin', 'scan /d'])
  const stopped = scanned(1)
  stopped.gaps.missed(stopped.unit)
  await turn()
  stopped.gaps.missed(stopped.unit)
  stopped.gaps.stop()
  await new Promise(resolve => setTimeout(resolve, 200))
  t.same(stopped.log, ['begin', 'scan /d', 'begin'])
})
