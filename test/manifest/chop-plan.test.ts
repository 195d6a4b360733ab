import { gzipSync } from 'node:zlib'

import t from 'tap'

import {
  lineOf,
  objectsOf,
  packLines,
  parsePlan,
  type PlanChunk,
  type PlannedObject,
} from '../../src/manifest/chop-plan.js'

const FOLDER = '.tablesnap/node1/chop/01a195929b6a0000/'
const CHUNK = `${FOLDER}files-000001.jsonl.gz`
const CORRUPT = { code: 'PLAN_CORRUPT' }

function plan(chunks: readonly PlanChunk[]): Buffer {
  return Buffer.from(JSON.stringify({ format: 1, id: '01a195929b6a0000', scope: '/data/', began: 1, chunks }))
}

async function read(body: Buffer): Promise<PlannedObject[]> {
  const all: PlannedObject[] = []
  for await (const objects of objectsOf(body, CHUNK)) all.push(...objects)
  return all
}

await t.test('a chunk is read as it was written, in slices, whatever its keys are', async t => {
  const objects = Array.from({ length: 20_000 }, (_, i) => ({
    key: `node1:/data/ks/tä/nb-${i}-big-Data.db\n"\u2028`,
    size: i,
    etag: `${i}`,
    lastModified: 1_795_000_000_000 + i,
  }))
  const half = objects.length / 2
  const members = [objects.slice(0, half), objects.slice(half)].map(some =>
    packLines(some.map(lineOf).join('')),
  )
  let slices = 0
  const found: PlannedObject[] = []
  for await (const slice of objectsOf(Buffer.concat(members), CHUNK)) {
    slices++
    found.push(...slice)
  }
  t.strictSame(found, objects)
  t.ok(slices > 10, `${slices} slices`)
  t.strictSame(await read(packLines('')), [])
})

await t.test('a chunk that is none is refused', async t => {
  const line = lineOf({ key: 'a', size: 1, etag: 'e', lastModified: 1 })
  const bodies = {
    'no gzip': Buffer.from(line),
    'cut short': packLines(line).subarray(0, 12),
    'the last line cut short': packLines(line + line.slice(0, -4)),
    'no array': packLines('{}\n'),
    'no JSON': packLines('[\n'),
    'no key': packLines('[1,1,"e"]\n'),
    'a line without end': gzipSync(Buffer.alloc(8 * 1024 * 1024, 32)),
  }
  for (const [what, body] of Object.entries(bodies)) await t.rejects(read(body), CORRUPT, what)
})

await t.test('a chunk that unpacks to more than any chunk is refused', async t => {
  const line = lineOf({ key: 'a'.repeat(1000), size: 1, etag: 'e', lastModified: 1 })
  const member = gzipSync(line.repeat(16 * 1024))
  const bomb = Buffer.concat(Array.from({ length: 20 }, () => member))
  let count = 0
  await t.rejects(async () => {
    for await (const { length } of objectsOf(bomb, CHUNK)) count += length
  }, CORRUPT)
  t.ok(count * line.length < 300 * 1024 * 1024)
})

await t.test('a plan names chunks of its own folder alone', async t => {
  const chunk = { key: CHUNK, phase: 'files', objects: 1 } as const
  t.strictSame(parsePlan(plan([chunk]), `${FOLDER}plan.json`).chunks, [chunk])
  for (const key of ['secret', '.tablesnap/node2/chop/x/files-000001.jsonl.gz', ''])
    t.throws(() => parsePlan(plan([{ ...chunk, key }]), `${FOLDER}plan.json`), CORRUPT, key)
  for (const body of ['null', '[]', '{}', '{"format":2}', 'x'])
    t.throws(() => parsePlan(Buffer.from(body), `${FOLDER}plan.json`), CORRUPT, body)
  t.end()
})
