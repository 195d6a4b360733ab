import { join } from 'node:path'

import t from 'tap'

import { openBucket } from '../support/bucket.js'
import { DELETIONS, randomDeletions } from '../support/random-deletions.js'
import { bucketOf, gateway, temporaryDirectory } from '../support/real/place.js'

const SEED = Number(process.env['SEED'] ?? 1)
const ROUNDS = Number(process.env['ROUNDS'] ?? 20)

await t.test(
  `${ROUNDS * DELETIONS} objects that are deleted at random from a bucket with versions`,
  async t => {
    const server = await gateway(t)
    const versioned = bucketOf(server, 'backup')
    await versioned.create()
    await versioned.keepVersions()
    const work = temporaryDirectory(t)
    const bucket = openBucket(server.endpoint, 'backup', work)
    t.teardown(() => bucket.client.close())
    await randomDeletions(t, bucket, join(work, 'data'), { seed: SEED, rounds: ROUNDS })
    const { isMarked } = await versioned.versions('node1:')
    t.ok(isMarked, 'the deletions left delete markers')
  },
)
