import fc from 'fast-check'
import t from 'tap'

import { PHASES, objectsOf, packLines, parsePlan } from '../../src/manifest/chop-plan.js'

import { fuzz } from './fuzz.js'
import { mutatedBytes, mutatedJson } from './mutate.js'

const FOLDER = '.tablesnap/node1/chop/01a195929b6a0000/'

await t.test('plans of tablechop', async t => {
  const chunk = fc.record({
    key: fc.constantFrom(`${FOLDER}files-000001.jsonl.gz`, 'secret'),
    phase: fc.constantFrom(...PHASES),
    objects: fc.nat(),
  })
  const plan = fc.record({
    format: fc.constant(1),
    id: fc.constant('01a195929b6a0000'),
    scope: fc.constant('/data/'),
    began: fc.nat(),
    chunks: fc.array(chunk, { maxLength: 3 }),
  })
  const bodies = fc.oneof(
    mutatedJson(plan).map(text => Buffer.from(text)),
    mutatedBytes(plan.map(value => JSON.stringify(value))),
  )
  await fuzz(t, 'parsePlan', bodies, body => {
    for (const { key } of parsePlan(body, `${FOLDER}plan.json`).chunks)
      if (!key.startsWith(FOLDER)) throw new Error(`${key} lies elsewhere`)
  })
})

await t.test('chunks of plans', async t => {
  const line = fc.tuple(fc.string(), fc.nat(), fc.string(), fc.nat()).map(one => `${JSON.stringify(one)}\n`)
  const lines = fc.array(line, { maxLength: 20 }).map(all => all.join(''))
  const bodies = fc.oneof(
    lines.map(packLines),
    mutatedBytes(lines).map(text => packLines(text.toString('utf8'))),
    fc.tuple(lines, fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
      const body = packLines(text)
      body[at % body.length] = byte
      return at % 3 === 0 ? body.subarray(0, at % body.length) : body
    }),
  )
  await fuzz(t, 'objectsOf', bodies, async body => {
    for await (const objects of objectsOf(body, 'key'))
      for (const { key } of objects) if (typeof key !== 'string') throw new Error('a key is no text')
  })
})
