import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { TestNode } from '../support/node.js'
import { TxnLog } from '../support/table.js'

const SETS = 10_000
const SECONDS = 600

/** CPU seconds of a process so far (proc(5): utime and stime, in ticks of 10 ms). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

await t.test('a unit of 10,000 SSTables that gains one a second: bytes and CPU of its states', async t => {
  const node = await TestNode.create(t, { etags: 'opaque' })
  const table = node.table()
  for (let set = 1; set <= SETS; set++) table.set(`nb-${set}-big`, { bytes: 100 })
  table.contents.clear()
  const daemon = await node.watch(t, ['-r', '-a', '-B', '--watch', '--without-index'])
  const { requests } = node.bucket.server
  const states = () => requests.filter(({ method, key }) => method === 'PUT' && key.includes('/states/'))
  while (states().length === 0) await sleep(500)
  requests.length = 0
  const before = cpuOf(daemon.child.pid ?? 0)
  const began = performance.now()
  for (let set = 1; set <= SECONDS; set++) {
    const name = `nb-${SETS + set}-big`
    const log = new TxnLog(table.path, 'flush').add(name)
    table.write(name, { bytes: 100 })
    log.commit()
    // Cassandra's are there for 8 to 76 ms.
    await sleep(50)
    log.end()
    await sleep(Math.max(0, began + set * 1_000 - performance.now()))
  }
  const seconds = (performance.now() - began) / 1_000
  const cpu = cpuOf(daemon.child.pid ?? 0) - before
  t.comment(
    `${states().length} states in ${seconds.toFixed(0)} s; ${((100 * cpu) / seconds).toFixed(2)} % of a core in all`,
  )
  t.ok(states().length > SECONDS / 30)
  t.ok(cpu / seconds < 0.1)
})
