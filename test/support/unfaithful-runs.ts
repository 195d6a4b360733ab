import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Test } from 'tap'

import { ensureBucket } from '../../src/s3/bucket.js'
import { Random } from '../manifest/random.js'
import { BucketStates } from './bucket-states.js'
import { TestNode } from './node.js'
import { errorAnswer, page, unfaithful, type Given, type Passing } from './unfaithful.js'

/** What may become of one request; some are only for some requests. */
const DEEDS = ['no-etag', 'error', 'page', 'no-length', 'cut', '501', '307', 'error-500'] as const
type Deed = (typeof DEEDS)[number]

/** Answers in place of the server; undefined where it is asked all the same. */
function instead(deed: Deed, { method, url, headers }: Passing, target: string): Given | undefined {
  const { search, pathname } = url
  switch (deed) {
    case 'error':
      return method === 'PUT' || method === 'POST' ? errorAnswer(200, 'InternalError') : undefined
    case 'page':
      return page()
    case 'no-etag':
      return method === 'PUT'
        ? { status: 200, headers: { 'content-length': 0 }, body: Buffer.alloc(0) }
        : undefined
    case '501':
      return headers['if-none-match'] === undefined ? undefined : errorAnswer(501, 'NotImplemented')
    case '307':
      return { status: 307, headers: { location: target + pathname + search }, body: Buffer.alloc(0) }
    case 'error-500':
      return errorAnswer(500, 'InternalError')
    case 'no-length':
    case 'cut':
      return undefined
  }
}

/**
 * Runs -B over a server whose answers are replaced at random, and again without that: no restore point ever names an object
 * that is not there with the right bytes, and the second run makes the backup whole.
 */
export async function unfaithfulRun(t: Test, seed: number): Promise<void> {
  const random = new Random(seed)
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const { endpoint } = node.bucket.server
  const odds = random.pick([0.02, 0.1, 0.3]) ?? 0
  let faults = 0
  const proxy = await unfaithful(t, endpoint, {
    request: passing => {
      if (!random.chance(odds)) return undefined
      const given = instead(random.pick(DEEDS) ?? 'page', passing, endpoint)
      if (given !== undefined) faults++
      return given
    },
    response: ({ method }, given) => {
      if (!random.chance(odds)) return
      const deed = random.pick(DEEDS)
      if (deed === 'no-length') delete given.headers['content-length']
      else if (deed === 'no-etag' && method !== 'GET') delete given.headers['etag']
      else if (deed === 'cut' && method === 'GET') given.body = given.body.subarray(0, given.body.length >> 1)
      else return
      faults++
    },
  })
  await ensureBucket(node.bucket.client, true)
  const table = node.table().set('nb-1-big').set('nb-2-big')
  writeFileSync(join(node.data, 'large'), randomBytes(11_000_000))
  const flags = ['--endpoint-url', proxy, '--retries', '2', '--max-upload-size', '5']
  for (let round = 0; round < 2; round++) {
    await node.backUp(flags)
    t.same(await states.problems(await states.all()), [], `seed ${seed}: after ${faults} faults`)
    table.set(`nb-${round + 3}-big`)
    writeFileSync(join(table.path, 'nb-1-big-Statistics.db'), randomBytes(random.below(3) + 100))
  }
  const { code, log } = await node.backUp()
  t.equal(code, 0, `seed ${seed}: ${log}`)
  t.same(await states.problems(await states.all()), [], `seed ${seed}: in the end`)
}
