import t from 'tap'
import { crc64nvme } from 'tablesnap-io'

import { MEBIBYTE, Yard } from './support.js'

await t.test('small files and parts keep to the rate, and arrive as they are', async t => {
  const maxRate = 20 * MEBIBYTE
  const part = 5 * MEBIBYTE
  const yard = await Yard.start(t, { threads: 2, maxRate, maxUploadSize: part, chunkSize: part })
  // Threads and connections are there.
  yard.write('first', 1)
  yard.write('second', 12 * MEBIBYTE)
  await yard.upload('first', 'second')
  const names = ['a', 'b', 'c']
  const contents = [yard.write('a', 36 * MEBIBYTE + 7), yard.write('b', 4 * MEBIBYTE), yard.write('c', 100)]
  const bytes = contents.reduce((sum, content) => sum + content.length, 0)
  const began = performance.now()
  const outcomes = await yard.upload(...names)
  const rate = bytes / ((performance.now() - began) / 1000)
  t.same(
    outcomes.map(({ outcome }) => outcome),
    ['uploaded', 'uploaded', 'uploaded'],
  )
  t.ok(rate < 1.15 * maxRate, `${Math.round(rate / MEBIBYTE)} MiB/s`)
  t.ok(rate > 0.6 * maxRate, `${Math.round(rate / MEBIBYTE)} MiB/s`)
  for (const [i, name] of names.entries()) {
    const object = await yard.head(yard.key(name))
    t.equal(object?.checksums.crc64nvme, crc64nvme(contents[i]!), name)
  }
})

await t.test('a part that is read twice, too', async t => {
  const part = 10 * MEBIBYTE
  const options = { threads: 1, memory: 8 * MEBIBYTE, maxUploadSize: part, chunkSize: part }
  const yard = await Yard.start(t, { ...options, maxRate: 10 * MEBIBYTE })
  const content = yard.write('a', 16 * MEBIBYTE)
  const began = performance.now()
  t.match(await yard.one('a'), { outcome: 'uploaded' })
  t.ok(performance.now() - began > 1200)
  t.equal((await yard.head(yard.key('a')))?.checksums.crc64nvme, crc64nvme(content))
})
