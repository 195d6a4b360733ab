import t from 'tap'

import { DeletionRule } from '../../src/retention/deletion-rule.js'
import { ChopScope } from '../../src/retention/scope.js'
import { COMPONENTS, DAY, GeneratedBucket, KEYS, PAGE, POINTS, SSTABLES, TABLES } from './generated-bucket.js'
import { chopOnce } from './support.js'
import { MAX_DELETES } from '../../src/s3/delete.js'
import { grownSince, peakMemory } from '../support/memory.js'

const HOUR = 3_600_000

await t.test(
  'a million objects and 20,000 manifests are planned, and deleted an hour later',
  { timeout: 900_000 },
  async t => {
    const bucket = new GeneratedBucket()
    const began = performance.now()
    const memory = peakMemory(process.pid)
    const cpu = process.cpuUsage()
    const scope = new ChopScope('/', true)
    const options = { age: 30 * DAY, scope, grace: HOUR }
    const result = await chopOnce(bucket, KEYS, options, DeletionRule, false)
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

    // An hour later the next run carries the plan out.
    const before = { ...bucket.requests }
    bucket.pass(HOUR)
    const { deleted } = await chopOnce(bucket, KEYS, options, DeletionRule, false)
    t.equal(deleted.objects, result.planned, 'all that the plan names goes')
    const deletes = bucket.requests.deletes - before.deletes
    t.ok(
      deletes <= Math.ceil(deleted.objects / MAX_DELETES) + 20,
      `${deletes} requests delete ${deleted.objects} objects`,
    )
    const grown = grownSince(memory)
    t.ok(grown < 300, `the process has grown by ${grown} MiB at most after it`)
    const others = bucket.requests.reads + bucket.requests.writes - before.reads - before.writes
    t.ok(others <= kept + 20, `${others} reads and writes when the plan is carried out`)
  },
)
