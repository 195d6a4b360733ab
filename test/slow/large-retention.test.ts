import t from 'tap'

import { DeletionRule } from '../../src/retention/deletion-rule.js'
import { ChopScope } from '../../src/retention/scope.js'
import {
  COMPONENTS,
  DAY,
  GeneratedBucket,
  KEYS,
  PAGE,
  POINTS,
  SSTABLES,
  TABLES,
} from '../retention/generated-bucket.js'
import { chopOnce } from '../retention/support.js'
import { grownSince, peakMemory } from '../support/memory.js'

await t.test('a plan for a million objects and 20,000 manifests', { timeout: 900_000 }, async t => {
  const bucket = new GeneratedBucket()
  const began = performance.now()
  const memory = peakMemory(process.pid)
  const cpu = process.cpuUsage()
  const scope = new ChopScope('/', true)
  const result = await chopOnce(bucket, KEYS, { age: 30 * DAY, scope, grace: 3_600_000 }, DeletionRule, false)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const objects = TABLES * SSTABLES * COMPONENTS.length
  // Of 31 days, and what the oldest of them builds on.
  const kept = TABLES * 32
  t.equal(result.planned, objects - objects / 10 + TABLES * POINTS - kept)
  const { pages, reads, writes } = bucket.requests
  t.ok(pages <= Math.ceil(objects / PAGE) + Math.ceil((TABLES * POINTS) / PAGE) + 1, `${pages} pages`)
  t.ok(reads + writes <= kept + 20, `${reads} reads and ${writes} writes for ${kept} manifests`)
  const mebibytes = grownSince(memory)
  t.ok((user + system) / 1e6 < 60, 'it takes less than a minute of CPU time')
  // Below tap a process has some 280 MiB before the test begins; alone some 80.
  t.ok(mebibytes < 300, `the process grows by ${mebibytes} MiB at most`)
  t.comment(
    `${objects} objects: ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU time, ${mebibytes} MiB, ${pages + reads + writes} requests`,
  )
})
