import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseConf } from '../../src/config/grammar.js'
import { SETTINGS } from '../../src/config/settings.js'
import { load, makePlace, writeConf } from './support.js'

const example = readFileSync(new URL('../../../tablesnap.conf.example', import.meta.url), 'utf8')
const uncommented = example.replace(/^#(?=[a-z]\w* =| {4}\S)/gm, '')

await t.test('the example names every key once, in the order of the help', t => {
  const [section] = parseConf(uncommented)
  const keys = section?.entries.map(({ key }) => key) ?? []
  t.strictSame([...keys].sort(), ['args', ...SETTINGS.map(({ key }) => key)].sort())
  t.strictSame(parseConf(example), [{ name: 'tablesnap', line: section?.line, entries: [] }])
  t.end()
})

await t.test('every line of it uncommented is the default', t => {
  const place = makePlace(t.testdir())
  const plain = load(place, 'bucket /data')
  writeConf(place, uncommented.slice(uncommented.indexOf('[tablesnap]')))
  const { config, warnings } = load(place, 'bucket /data')
  t.strictSame(config, plain.config)
  t.strictSame(warnings, [])
  const [section] = parseConf(uncommented)
  for (const setting of SETTINGS) {
    const shown = section?.entries.find(({ key }) => key === setting.key)?.lines.join('\n')
    const value = setting.kind === 'flag' ? (setting.negatable ? '' : 'false') : (setting.default ?? '')
    t.equal(shown, value, setting.key)
  }
  t.end()
})
