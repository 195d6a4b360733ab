import { InotifyBatch, constants } from 'inotify'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { folder, startThread, sysctl, until } from './support.js'

const { IN_CREATE, IN_Q_OVERFLOW } = constants

await t.test('poll delivers at once what is queued, in order, and says that it was all', async t => {
  const path = folder(t)
  const seen: string[] = []
  const batch = new InotifyBatch({
    event: (_watch, _mask, _cookie, name) => void seen.push(name ?? ''),
    end: drained => void seen.push(`end ${drained}`),
    drained: () => void seen.push('drained'),
  })
  t.teardown(() => batch.close())
  batch.add(path, IN_CREATE)
  t.equal(batch.poll(), true, 'nothing is queued')
  t.strictSame(seen, [], 'an empty queue is no batch')
  for (const name of ['a', 'b']) writeFileSync(join(path, name), '')
  t.equal(batch.poll(), true)
  t.strictSame(seen, ['a', 'b', 'end true', 'drained'])
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(seen.length, 4, 'no wake-up delivers it again')
  writeFileSync(join(path, 'c'), '')
  await until(() => seen.length === 7)
  t.strictSame(seen.slice(4), ['c', 'end true', 'drained'], 'a wake-up says so, too')
})

await t.test('poll delivers what was queued before it, though its handler causes events without end', t => {
  const path = folder(t)
  const seen: string[] = []
  const batch = new InotifyBatch({
    event: (_watch, _mask, _cookie, name) => {
      seen.push(name ?? '')
      writeFileSync(join(path, `more${seen.length}`), '')
    },
  })
  t.teardown(() => batch.close())
  batch.add(path, IN_CREATE)
  for (const name of ['a', 'b']) writeFileSync(join(path, name), '')
  t.equal(batch.poll(), true)
  t.strictSame(seen, ['a', 'b'])
  t.equal(batch.poll(), true)
  t.strictSame(seen.slice(2), ['more1', 'more2'], 'the next call brings what came meanwhile')
  t.end()
})

await t.test('poll from within a handler reads nothing, whichever instance it is of', t => {
  const path = folder(t)
  const answers: boolean[] = []
  const seen: string[] = []
  const other = new InotifyBatch({ event: (_watch, _mask, _cookie, name) => void seen.push(`other ${name}`) })
  const pollBoth = () => void answers.push(batch.poll(), other.poll())
  const batch: InotifyBatch = new InotifyBatch({
    event(_watch, _mask, _cookie, name) {
      seen.push(name ?? '')
      pollBoth()
    },
    end: pollBoth,
    drained: pollBoth,
  })
  t.teardown(() => [batch, other].forEach(instance => instance.close()))
  for (const instance of [batch, other]) instance.add(path, IN_CREATE)
  for (const name of ['a', 'b']) writeFileSync(join(path, name), '')
  t.equal(batch.poll(), true)
  t.strictSame(seen, ['a', 'b'])
  t.strictSame(
    answers,
    answers.map(() => false),
  )
  t.equal(answers.length, 8)
  t.equal(other.poll(), true)
  t.strictSame(seen.slice(2), ['other a', 'other b'])
  t.end()
})

await t.test("what a handler throws is the thread's, and poll works on", async t => {
  const worker = startThread({ task: 'faultyPoll', path: folder(t) })
  const [report] = (await once(worker, 'message')) as [unknown]
  t.strictSame(report, { answers: [true, true], errors: ['a', 'b'] })
})

await t.test('poll of a closed instance is false, and so is one whose handler closes it', t => {
  const path = folder(t)
  const seen: string[] = []
  const batch = new InotifyBatch({
    event(_watch, _mask, _cookie, name) {
      seen.push(name ?? '')
      batch.close()
    },
    drained: () => void seen.push('drained'),
  })
  batch.add(path, IN_CREATE)
  for (const name of ['a', 'b']) writeFileSync(join(path, name), '')
  t.equal(batch.poll(), false)
  t.strictSame(seen, ['a'])
  t.equal(batch.poll(), false)
  t.end()
})

await t.test('poll reads a queue that is larger than the buffer, up to its overflow', t => {
  const path = folder(t, true)
  const longest = 'n'.repeat(250)
  const queue = sysctl('fs.inotify.max_queued_events')
  let events = 0
  let overflows = 0
  let drained = 0
  const ends: boolean[] = []
  const batch = new InotifyBatch({
    event: (_watch, mask) => {
      if (mask & IN_Q_OVERFLOW) overflows++
      else events++
    },
    end: empty => void ends.push(empty),
    drained: () => {
      drained++
    },
  })
  t.teardown(() => batch.close())
  batch.add(path, IN_CREATE)
  for (let i = 0; i < queue + 10; i++) writeFileSync(join(path, `${i}`.padEnd(5, '_') + longest), '')
  t.equal(batch.poll(), true)
  t.equal(events, queue)
  t.equal(overflows, 1)
  t.strictSame(ends, [...Array<boolean>(ends.length - 1).fill(false), true])
  t.equal(drained, 1)
  t.end()
})

await t.test('a batch that fills the buffer to its end and empties the queue says so', async t => {
  const path = folder(t, true)
  // A header of 16 bytes and a field of 256 for the name: as many events as lie in 1 MiB.
  const count = Math.floor(2 ** 20 / 272)
  let events = 0
  const ends: boolean[] = []
  const batch = new InotifyBatch({
    event: () => {
      events++
    },
    end: empty => void ends.push(empty),
  })
  t.teardown(() => batch.close())
  batch.add(path, IN_CREATE)
  for (let i = 0; i < count; i++) writeFileSync(join(path, `${i}`.padEnd(250, '_')), '')
  await until(() => events === count)
  await new Promise(resolve => setTimeout(resolve, 20))
  t.strictSame(ends, [true])
})
