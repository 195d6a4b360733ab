import { spawnSync } from 'node:child_process'

import fc from 'fast-check'
import t from 'tap'

import { PatternError } from '../../src/config/pattern-error.js'
import { Pattern } from '../../src/config/pattern.js'

const PATTERNS = Number(process.env['FUZZ_RUNS'] ?? 2000)

/** Reads a JSON list of [expression, text], and writes whether each is found: true, false, or null for no expression. */
const PYTHON = `
import json, re, sys, warnings
warnings.simplefilter('ignore')
def found(expression, text):
    try:
        return re.search(expression, text, re.ASCII) is not None
    except re.error:
        return None
print(json.dumps([found(*pair) for pair in json.load(sys.stdin)]))
`

/** One piece, which matches a few characters. */
const piece = fc.oneof(
  fc.constantFrom('a', 'b', 'A', '/', '-', '_', '.', '\\.', '\\-', '[', ']', '{', '}', 'é', '\\n'),
  fc.constantFrom(
    '\\w',
    '\\W',
    '\\d',
    '\\s',
    '\\b',
    '\\B',
    '^',
    '$',
    '\\A',
    '\\Z',
    '\\x61',
    '\\055',
    '\\u00e9',
  ),
  fc.constantFrom('[ab]', '[^a]', '[]a]', '[^]a]', '[a-]', '[\\w-]', '[[:a]', '[\\]b]', '[a^]', '[\\x2d-a]'),
  fc.constantFrom('(?=a)', '(?!b)', '(?<=a)', '(?<!-)', '(?#c)', '(?:a|b)', '\\1', '(?P=n)', '|'),
)
/** A group that is always there: a reference to one that matched nothing is another thing in JavaScript. */
const group = fc.constantFrom('', '(a)', '(?P<n>b)', '(?P<n>[ab]+)')
const expression = fc
  .tuple(
    fc.constantFrom('', '', '', '(?i)', '(?s)', '(?m)'),
    group,
    fc.array(fc.tuple(piece, fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{,2}', '{1,}', '*?')), {
      minLength: 1,
      maxLength: 5,
    }),
  )
  .map(([flags, first, pieces]) => `${flags}${first}(?:${pieces.map(pair => pair.join('')).join('')})`)
// Python's $ also matches before a line end that ends the text: no path of an SSTable ends so.
const text = fc
  .array(fc.constantFrom('a', 'b', 'A', '/', '-', '_', '.', 'é', '1', ' ', '\n', ']', '[', '{'), {
    maxLength: 8,
  })
  .map(characters => characters.join('').trimEnd() || '/')

await t.test("every expression is found where Python's re finds it", t => {
  const pairs = fc.sample(fc.tuple(expression, text), { numRuns: PATTERNS, seed: 11 })
  const { stdout, stderr } = spawnSync('python3', ['-c', PYTHON], {
    input: JSON.stringify(pairs),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  t.equal(stderr, '')
  const expected = JSON.parse(stdout) as (boolean | null)[]
  const differences: unknown[] = []
  let compared = 0
  pairs.forEach(([source, path], index) => {
    const python = expected[index]
    try {
      const isFound = new Pattern(source).test(path)
      compared++
      if (python !== null && isFound !== python) differences.push({ source, path, isFound, python })
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      if (python !== null && !/may take for ever/.test(error.message))
        differences.push({ source, path, error: error.message, python })
    }
  })
  t.strictSame(differences.slice(0, 10), [])
  t.ok(compared > PATTERNS / 2, `${compared} of ${PATTERNS} compared`)
  t.end()
})
