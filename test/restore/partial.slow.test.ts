import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { formatBytes } from '../../src/report/format.js'

import { World, digest, leftovers } from './support.js'

/** Memory of the engine, and so the length of a range, bytes. */
const RANGE = 128 * 1024

const RANGES = 24

const BODY = randomBytes(RANGES * RANGE - 1000)

const world = await World.start(t, { memory: RANGE })
const staging = join(world.target, '.tablesnap-restore')

/** GETs of ranges since the requests were last forgotten. */
function gets(): number {
  return world.server.requests.filter(
    ({ operation, key, status }) => operation === 'GetObject' && key === 'node1:/large' && status === 206,
  ).length
}

/** Starts with a large object of which a signal let about half come. @returns the path of what came */
async function cutShort(t: Test): Promise<string> {
  await world.reset()
  await world.put('node1:/large', BODY)
  const controller = new AbortController()
  const follower = {
    begin: () => undefined,
    end: () => undefined,
    update: ({ bytes }: { bytes: number }) => {
      if (bytes > BODY.length / 2) controller.abort(new Error('stopped'))
    },
  }
  t.match(await world.restore({ signal: controller.signal, follower }), {
    aborted: true,
    exitCode: 1,
    files: 0,
  })
  const names = readdirSync(staging).sort()
  t.equal(names.length, 2, 'the file and its journal, no lock')
  t.equal(
    world.log.like(/^info .*keeps the downloaded parts of large files: the next run continues with them/)
      .length,
    1,
  )
  world.server.requests.length = 0
  return join(staging, names[0] ?? '')
}

function entered(path: string): number {
  return readFileSync(`${path}.ranges`, 'utf8').trim().split('\n').length - 1
}

await t.test('what came of a large file is not fetched again', async t => {
  const path = await cutShort(t)
  const count = entered(path)
  t.ok(count >= RANGES / 2 && count < RANGES, `${count} ranges`)
  t.match(await world.restore({ dryRun: true }), { exitCode: 0, bytes: BODY.length })
  const { blocks } = statSync(path)
  const needed = Math.ceil(BODY.length / 4096) * 4096
  t.same(
    world.log.like(/^info needs/),
    world.log.like(
      new RegExp(
        `^info needs ${formatBytes(needed - blocks * 512)} in .*; ${formatBytes(blocks * 512)} are already there from an interrupted run`,
      ),
    ),
  )
  t.equal(entered(path), count, 'a plan changes nothing')
  t.match(await world.restore(), { exitCode: 0, files: 1, bytes: BODY.length })
  t.equal(gets(), RANGES - count)
  t.equal(world.tree()['/large'], digest(BODY))
  t.equal(world.log.like(/bytes of node1:\/large were in staging already$/).length, 1)
  t.same(leftovers(world.target), [])
})

await t.test('the end of the journal and a range of it may be lost in a crash', async t => {
  const path = await cutShort(t)
  const journal = readFileSync(`${path}.ranges`, 'utf8')
  const [, ...lines] = journal.trim().split('\n')
  const cut = journal.slice(0, -5)
  writeFileSync(`${path}.ranges`, cut)
  const content = readFileSync(path)
  const lost = Number(lines[0]?.split(' ')[0])
  content[lost * RANGE + 7] = (content[lost * RANGE + 7] ?? 0) ^ 1
  writeFileSync(path, content)
  t.match(await world.restore(), { exitCode: 0, files: 1 })
  t.equal(gets(), RANGES - lines.length + 2)
  t.equal(world.tree()['/large'], digest(BODY))
})

await t.test(
  'ranges whose checksums are right and whose content is another are found at the end',
  async t => {
    const path = await cutShort(t)
    const [head = '', ...lines] = readFileSync(`${path}.ranges`, 'utf8').trim().split('\n')
    const [a = '', b = ''] = lines
    const [indexA, crcA] = a.split(' ').map(String)
    const [indexB, crcB] = b.split(' ').map(String)
    const content = readFileSync(path)
    const [startA, startB] = [Number(indexA) * RANGE, Number(indexB) * RANGE]
    const piece = Buffer.from(content.subarray(startA, startA + RANGE))
    content.copyWithin(startA, startB, startB + RANGE)
    piece.copy(content, startB)
    writeFileSync(path, content)
    const swapped = [`${indexA ?? ''} ${crcB ?? ''}`, `${indexB ?? ''} ${crcA ?? ''}`, ...lines.slice(2)]
    writeFileSync(`${path}.ranges`, `${[head, ...swapped].join('\n')}\n`)
    t.match(await world.restore(), { exitCode: 0, files: 1 })
    t.equal(gets(), RANGES - lines.length + RANGES, 'all of it comes again')
    t.equal(world.tree()['/large'], digest(BODY))
  },
)

await t.test('of an object that is another meanwhile all comes', async t => {
  await cutShort(t)
  const other = randomBytes(BODY.length)
  await world.put('node1:/large', other)
  world.server.requests.length = 0
  t.match(await world.restore(), { exitCode: 0, files: 1 })
  t.equal(gets(), RANGES)
  t.equal(world.tree()['/large'], digest(other))
})

await t.test('a file that is in its place already is not written to', async t => {
  const path = await cutShort(t)
  const placed = join(world.directory, `placed-${process.pid}`)
  linkSync(path, placed)
  const before = digest(readFileSync(placed))
  t.match(await world.restore(), { exitCode: 0, files: 1 })
  t.equal(gets(), RANGES)
  t.equal(digest(readFileSync(placed)), before)
  t.equal(world.tree()['/large'], digest(BODY))
})

await t.test('what is of no use to the next run goes', async t => {
  await cutShort(t)
  await world.client.call({ operation: 'DeleteObject', method: 'DELETE', key: 'node1:/large' })
  const other = randomBytes(2 * RANGE)
  await world.put('node1:/other', other)
  t.match(await world.restore(), { exitCode: 0, files: 1 })
  t.same(world.tree(), { '/other': digest(other) })
  t.notOk(existsSync(staging))
})

await t.test('a server that is gone ends the run, and the next one goes on', async t => {
  await world.reset()
  await world.put('node1:/large', BODY)
  for (let set = 1; set <= 40; set++) await world.putSet(`nb-${set}-big`)
  const away = world.server.faults.add({
    on: 'GetObject',
    key: /^node1:/,
    skip: 60,
    count: Infinity,
    fault: faults.reset(),
  })
  const summary = await world.restore()
  t.match(summary, { exitCode: 1, aborted: false })
  t.equal(world.log.like(/^error Nothing more is restored: GetObject: no answer from the server/).length, 1)
  t.equal(world.log.like(/^error \d+ files of .* still missing; the next run restores only those/).length, 1)
  t.ok(world.log.like(/^error Error downloading/).length < 60, 'not every file is tried')
  const got = summary.files
  away.remove()
  world.server.requests.length = 0
  t.match(await world.restore(), { exitCode: 0, files: 1 + 40 * 8 - got })
  t.ok(gets() < RANGES, `${gets()} ranges of ${RANGES}`)
  t.equal(world.tree()['/large'], digest(BODY))
  t.same(leftovers(world.target), [])
})

await t.test('a key that the server refuses ends it at once', async t => {
  await world.reset()
  for (let set = 1; set <= 40; set++) await world.putSet(`nb-${set}-big`)
  world.server.faults.add({
    on: 'GetObject',
    key: /^node1:/,
    count: Infinity,
    fault: faults.answer(403, 'ExpiredToken'),
  })
  t.match(await world.restore(), { exitCode: 1, files: 0 })
  t.same(world.log.like(/^error Error downloading/), [], 'one cause is one line')
  t.equal(world.log.like(/^error Nothing more is restored: GetObject: 403 ExpiredToken/).length, 1)
  t.same(readdirSync(world.target), [])
})
