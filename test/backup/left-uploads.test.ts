import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { LeftUploads } from '../../src/backup/left-uploads.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import { LivingRuns } from '../../src/node/living-runs.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { createMultipartUpload, uploadsOf } from '../../src/s3/multipart.js'
import { putObject } from '../../src/s3/object.js'
import { testBucket } from '../support/bucket.js'
import { until } from '../support/node.js'
import { VirtualTime } from '../support/virtual-time.js'

const MINUTE = 60_000
const DAY = 86_400_000

/** The looks of a daemon at a bucket, with a clock of the test. */
async function daemon(t: Test) {
  const { client, directory, server } = await testBucket(t)
  await ensureBucket(client, true)
  const keys = new KeyLayout('', 'node1', ':')
  const lines: string[] = []
  const silent = () => undefined
  const log = { debug: silent, info: (text: string) => void lines.push(text), warn: silent, error: silent }
  const own = new Set<string>()
  const timers = new VirtualTime()
  const run = async (): Promise<LivingRuns> => {
    const runs = new LivingRuns(client.settings, keys)
    await runs.announce()
    t.teardown(() => runs.close())
    return runs
  }
  const parts = { isUploading: (key: string) => own.has(key) }
  const { signal } = new AbortController()
  const looks = new LeftUploads({ client, keys, log, parts, runs: await run(), signal }, timers)
  t.teardown(() => looks.stop())
  const key = (name: string): string => keys.file(join(directory, name))
  const begin = async (name: string): Promise<string> => createMultipartUpload(client, key(name), {})
  const left = async (name: string): Promise<number> => (await uploadsOf(client, key(name))).length
  const lists = (): number =>
    server.requests.filter(({ operation }) => operation === 'ListMultipartUploads').length
  return { client, directory, lines, own, timers, run, looks, key, begin, left, lists }
}

await t.test('an upload that began just before the start is ended at once', async t => {
  const { looks, begin, left, lines } = await daemon(t)
  await begin('gone-Data.db')
  await looks.startRounds()
  t.equal(await left('gone-Data.db'), 0)
  t.same(lines, ['Ended 1 unfinished upload that an earlier run had begun'])
})

await t.test(
  'an upload with a file and without an object is left for the next upload of the file',
  async t => {
    const { client, directory, looks, begin, key, left } = await daemon(t)
    for (const name of ['waits-Data.db', 'stored-Data.db']) {
      writeFileSync(join(directory, name), name)
      await begin(name)
    }
    await putObject(
      client,
      key('stored-Data.db'),
      { body: Buffer.from('stored-Data.db'), headers: {} },
      { headers: {}, ifAbsent: false },
    )
    await looks.end()
    t.equal(await left('waits-Data.db'), 1)
    t.equal(await left('stored-Data.db'), 0)
  },
)

await t.test("a run's own upload of a file that Cassandra has deleted is not ended", async t => {
  const { looks, begin, key, left, own } = await daemon(t)
  own.add(key('gone-Data.db'))
  await begin('gone-Data.db')
  await looks.end()
  t.equal(await left('gone-Data.db'), 1)
  own.clear()
  await looks.end()
  t.equal(await left('gone-Data.db'), 0)
})

await t.test('while another run lives nothing is ended; a minute later, and once a day, it is', async t => {
  const { looks, begin, left, lists, run, timers } = await daemon(t)
  const other = await run()
  await begin('gone-Data.db')
  await looks.startRounds()
  t.equal(await left('gone-Data.db'), 1, 'the other run may upload it')
  const before = lists()
  await timers.pass(MINUTE)
  await until(() => lists() > before)
  t.equal(await left('gone-Data.db'), 1)
  other.close()
  // The look that the other run prevented is made again after a minute.
  await until(async () => {
    await timers.pass(MINUTE)
    return (await left('gone-Data.db')) === 0
  })
  await begin('later-Data.db')
  await timers.pass(MINUTE * 2)
  t.equal(await left('later-Data.db'), 1)
  await timers.pass(DAY)
  await until(async () => (await left('later-Data.db')) === 0)
})

await t.test('the run of another node does not count', async t => {
  const { client, looks, begin, left } = await daemon(t)
  const other = new LivingRuns(client.settings, new KeyLayout('', 'node10', ':'))
  await other.announce()
  t.teardown(() => other.close())
  await begin('gone-Data.db')
  await looks.end()
  t.equal(await left('gone-Data.db'), 0)
})
