import { readFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'

import t from 'tap'

import { parseEpochs } from '../../src/manifest/epochs.js'
import { parseStateKey } from '../../src/manifest/keys.js'
import { decodeState } from '../../src/manifest/manifest-decode.js'
import { encodeState } from '../../src/manifest/manifest-encode.js'
import { contradiction, factsOf } from '../../src/manifest/manifest-facts.js'

const page = readFileSync(new URL('../../../docs/bucket-format.md', import.meta.url), 'utf8')

/** The indented block of the page that begins so. */
function example(begin: string): string {
  const block = page.split('\n\n').find(text => text.startsWith(`    ${begin}`))
  if (block === undefined) throw new Error(`docs/bucket-format.md has no example ${begin}`)
  return `${block.trimEnd().replace(/^ {4}/gm, '')}\n`
}

await t.test('the manifest of the page is read, and is written so', async t => {
  const text = example('{"format":1,"node"')
  const { state, own } = await decodeState(gzipSync(text), 'key')
  t.equal(state.sets.size, 1)
  t.same(own, { sets: 1, files: 0, bytes: 2091 })
  const { body } = await encodeState({ state, delta: undefined })
  const again = await decodeState(body, 'key')
  t.same(again.state, state)
  const facts = factsOf(state, own, undefined)
  t.equal(contradiction(facts, factsOf(again.state, again.own, undefined)), undefined)
})

await t.test('a reader ignores fields that it does not know', async t => {
  const text = example('{"format":1,"node"').replace('"gap":false', '"gap":false,"later":{"a":[1]}')
  t.equal((await decodeState(gzipSync(text), 'key')).state.unit, 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9')
})

await t.test('the key of the page is read', t => {
  const parsed = parseStateKey(`ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9/${example('8204260701346').trim()}`)
  t.match(parsed, { time: 1795739298653, facts: { epoch: 1, kind: 'complete', gap: false, base: undefined } })
  t.end()
})

await t.test('node.json of the page is read', t => {
  t.equal(parseEpochs(example('{"format": 1, "writer"')).current, 2)
  t.end()
})

await t.test('every field that is written stands on the page', async t => {
  const { state } = await decodeState(gzipSync(example('{"format":1,"node"')), 'key')
  const { body } = await encodeState({ state: { ...state, unlisted: true }, delta: undefined })

  const written = JSON.parse(gunzipSync(body).toString()) as Record<string, unknown>
  for (const name of Object.keys(written)) t.match(page, `\`${name}\``, name)
})
