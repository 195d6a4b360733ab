import t from 'tap'

import { compareKeys, justBefore } from '../../src/manifest/key-order.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import { NamedObjects, type NamedObject } from '../../src/manifest/named-objects.js'
import type { Entry, State, StateSet } from '../../src/manifest/state.js'

import { Random } from './random.js'

const KEYS = new KeyLayout('p/', 'node1', ':')

const SEED = Number(process.env['SEED'] ?? 1)

/** Characters of which some sort otherwise by UTF-16 than by UTF-8, and some before a hyphen. */
const CHARACTERS = ['a', 'b', '-', '/', '!', '.', 'é', '\ufffd', '\ue000', '😀', '𐀀', '~']

const entry = (key?: string): Entry => ({ size: 1, mtime: 1n, inode: 1n, crc64: undefined, key })

const sstable = (components: readonly (readonly [string, string?])[]): StateSet => ({
  components: new Map(components.map(([component, key]) => [component, entry(key)])),
  corrupt: false,
  kept: false,
})

function stateOf(unit: string, sets: ReadonlyMap<string, StateSet>, files = new Map<string, Entry>()): State {
  const nothing = { unexplained: [], unprotected: [], directories: new Map() }
  return { node: 'node1', epoch: 1, unit, time: 1, gap: false, sets, files, ...nothing }
}

/** All objects, those of one key in one list. */
function all(named: NamedObjects): NamedObject[][] {
  const groups: NamedObject[][] = []
  for (let names = named.next(); names !== undefined; names = named.next()) groups.push([...names])
  return groups
}

await t.test('keys sort as their bytes do', t => {
  const random = new Random(SEED)
  const name = () => Array.from({ length: random.below(5) }, () => random.pick(CHARACTERS)).join('')
  for (let n = 0; n < 20_000; n++) {
    const [a, b] = [name(), name()]
    const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b))
    if (Math.sign(compareKeys(a, b)) !== bytes) t.fail(JSON.stringify([a, b, compareKeys(a, b), bytes]))
    if (a !== '' && compareKeys(justBefore(a), a) >= 0) t.fail(`${justBefore(a)} comes before ${a}`)
    // Half of a character cannot be sent.
    encodeURIComponent(justBefore(a))
  }
  t.pass(`SEED=${SEED}`)
  t.end()
})

await t.test('the objects of any manifests come in the order of a LIST, each once', async t => {
  const random = new Random(SEED)
  for (let round = 0; round < 300; round++) {
    const expected = new Map<string, string[]>()
    const note = (key: string, path: string) => expected.set(key, [...(expected.get(key) ?? []), path])
    const states = Array.from({ length: 1 + random.below(4) }, (_, unit) => {
      const sets = new Map<string, StateSet>()
      const files = new Map<string, Entry>()
      const count = random.chance(0.05) ? 2_500 : random.below(30)
      for (let n = 0; n < count; n++) {
        const tail = Array.from({ length: 1 + random.below(8) }, () => random.pick(CHARACTERS)).join('')
        const path = `/d${unit}/${tail}`
        const key = random.weighted({ plain: 5, version: 1, hardlink: 1, foreign: 0.2 })
        const keyOf = (of: string) =>
          key === 'plain'
            ? undefined
            : key === 'version'
              ? `p/.tablesnap/node1/versions/${of.slice(1)}~0123456789abcdef`
              : key === 'hardlink'
                ? `p/node1:/d0/${random.pick(CHARACTERS)}`
                : 'q/node2:/x'
        const add = (of: string): Entry => {
          const own = keyOf(of)
          if (own !== 'q/node2:/x') note(own ?? `p/node1:${of}`, of)
          return entry(own)
        }
        if (random.chance(0.3) && !files.has(path)) files.set(path, add(path))
        else if (!sets.has(path)) {
          const components = ['Data.db', 'Index.db', 'TOC.txt']
          sets.set(path, {
            components: new Map(components.map(component => [component, add(`${path}-${component}`)])),
            corrupt: false,
            kept: false,
          })
        }
      }
      return stateOf(`u${unit}`, sets, files)
    })
    const { files, versions } = await NamedObjects.of(states, KEYS)
    const groups = [...all(files), ...all(versions)]
    const wanted = [...expected].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    const inOrder = (prefix: string) => wanted.filter(([key]) => key.startsWith(prefix))
    const [plain, other] = [inOrder('p/node1:'), inOrder('p/.tablesnap/')]
    const told = groups.map(names => [names[0]?.key, names.map(({ path }) => path).sort()])
    const expectedNames = [...plain, ...other].map(([key, paths]) => [key, paths.sort()])
    if (JSON.stringify(told) !== JSON.stringify(expectedNames))
      return void t.same(told, expectedNames, `round ${round}, SEED=${SEED}`)
  }
  t.pass(`SEED=${SEED}`)
})

await t.test('an object tells of which file, SSTable and unit it is', async t => {
  const path = '/data/ks/t-1/nb-1-big'
  const state = stateOf('ks/t-1', new Map([[path, sstable([['Data.db'], ['TOC.txt', 'p/node1:/other']])]]))
  const { files } = await NamedObjects.of([state], KEYS)
  const about = { unit: 'ks/t-1', sstable: path }
  t.match(all(files), [
    [{ ...about, key: `p/node1:${path}-Data.db`, path: `${path}-Data.db` }],
    [{ ...about, key: 'p/node1:/other', path: `${path}-TOC.txt` }],
  ])
})
