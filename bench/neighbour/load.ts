import { setTimeout as sleep } from 'node:timers/promises'

import cassandra from 'cassandra-driver'

import { Arrivals, type LoadPlan, type LoadReport } from './load-plan.js'

/**
 * The program of the load: node load.js PLAN. It sends requests at a fixed rate, whether the ones before were answered or not,
 * and measures each from the moment at which it was due: a server that stands still delays all that was due meanwhile. The report
 * is one line of JSON on standard output.
 */
const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan
const client = new cassandra.Client({
  contactPoints: [plan.address],
  protocolOptions: { port: plan.port },
  localDataCenter: 'datacenter1',
  pooling: {
    coreConnectionsPerHost: { [cassandra.types.distance.local]: 2 },
    maxRequestsPerConnection: 2048,
  },
  socketOptions: { readTimeout: 60_000 },
})
await client.connect()

const arrivals = new Arrivals(plan)
const reads: number[] = []
const writes: number[] = []
let [failed, underWay] = [0, 0]

/** Sends one request. @param due when it was to be sent, ms since the start */
function send(due: number, began: number): void {
  const { isRead, id } = arrivals.next()
  const value = arrivals.value()
  const sent = isRead
    ? client.execute(`SELECT v FROM ${plan.table} WHERE id = ?`, [id], { prepare: true })
    : client.execute(`INSERT INTO ${plan.table} (id, v) VALUES (?, ?)`, [id, value], { prepare: true })
  underWay++
  sent
    .then(
      () => {
        if (due >= plan.warmUp) (isRead ? reads : writes).push(performance.now() - began - due)
      },
      () => {
        failed++
      },
    )
    .finally(() => underWay--)
}

const began = performance.now()
const end = plan.warmUp + plan.seconds * 1000
for (let count = 0, due = 0; due < end;) {
  const now = performance.now() - began
  for (; due <= now && due < end; due = (++count * 1000) / plan.rate) send(due, began)
  await sleep(1)
}
while (underWay > 0) await sleep(5)
await client.shutdown()
const report: LoadReport = { reads, writes, failed }
process.stdout.write(`${JSON.stringify(report)}\n`)
