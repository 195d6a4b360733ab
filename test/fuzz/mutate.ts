import fc from 'fast-check'

/** One change of a text: a piece of it is cut out, doubled, repeated, replaced or moved. Places are shares of its length. */
type Change =
  | { readonly kind: 'cut' | 'double' | 'end'; readonly from: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly from: number; readonly length: number; readonly times: number }
  | {
      readonly kind: 'insert' | 'replace'
      readonly from: number
      readonly length: number
      readonly text: string
    }
  | { readonly kind: 'move'; readonly from: number; readonly length: number; readonly to: number }

const share = fc.nat(10_000).map(n => n / 10_000)
const length = fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(200) })

/** Texts that trouble parsers of any kind. */
const NASTY = [
  '\0',
  '\n',
  '\r\n',
  '\r',
  '\t',
  ' ',
  '"',
  "'",
  '\\',
  '/',
  '//',
  '..',
  '/../',
  '.',
  '-',
  '--',
  '=',
  ':',
  ';',
  '#',
  '%',
  '%ff',
  '%00',
  '&',
  '&#0;',
  '&amp;',
  '&lt',
  '<',
  '>',
  '<!--',
  ']]>',
  '<![CDATA[',
  '<!DOCTYPE x [<!ENTITY a "aaaa">]>',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  ',',
  'null',
  'true',
  '-1',
  '-0',
  '1e400',
  '99999999999999999999',
  '0x10',
  'NaN',
  'Infinity',
  '__proto__',
  'constructor',
  'toString',
  '\ufeff',
  '\u2028',
  '\ud800',
  '\u{1f600}',
  'ä',
  '\u0130',
  '~',
  '@',
  '*',
  '+',
  '$',
  '^',
  '|',
  '`',
] as const

function changes(tokens: readonly string[]): fc.Arbitrary<Change> {
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...NASTY, ...tokens) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
  )
  return fc.oneof(
    fc.record({ kind: fc.constantFrom('cut', 'double', 'end'), from: share, length }),
    fc.record({
      kind: fc.constant('repeat'),
      from: share,
      length,
      times: fc.oneof(fc.nat(10), fc.nat(3000)),
    }),
    fc.record({ kind: fc.constantFrom('insert', 'replace'), from: share, length, text }),
    fc.record({ kind: fc.constant('move'), from: share, length, to: share }),
  )
}

/** Longest text that changes may make, characters. */
const MOST = 100_000

function apply(text: string, change: Change): string {
  const from = Math.floor(change.from * text.length)
  const to = from + change.length
  const [before, piece, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
  switch (change.kind) {
    case 'cut':
      return before + after
    case 'end':
      return before
    case 'double':
      return before + piece + piece + after
    case 'repeat':
      return before + piece.repeat(Math.min(change.times, Math.ceil(MOST / (piece.length + 1)))) + after
    case 'insert':
      return before + change.text + piece + after
    case 'replace':
      return before + change.text + after
    case 'move': {
      const rest = before + after
      const at = Math.floor(change.to * rest.length)
      return rest.slice(0, at) + piece + rest.slice(at)
    }
  }
}

/** Valid texts with a few changes, texts without any order, and valid ones. @param tokens words of the language */
export function mutated(valid: fc.Arbitrary<string>, tokens: readonly string[] = []): fc.Arbitrary<string> {
  const changed = fc
    .tuple(valid, fc.array(changes(tokens), { minLength: 1, maxLength: 6 }))
    .map(([text, list]) => list.reduce(apply, text).slice(0, MOST))
  return fc.oneof(
    { weight: 12, arbitrary: changed },
    { weight: 1, arbitrary: valid },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.constantFrom(...NASTY, ...tokens), { maxLength: 40 }).map(list => list.join('')),
    },
  )
}

/** As {@link mutated}, as bytes, of which some may be no UTF-8. */
export function mutatedBytes(
  valid: fc.Arbitrary<string>,
  tokens: readonly string[] = [],
): fc.Arbitrary<Buffer> {
  const broken = fc.tuple(mutated(valid, tokens), share, fc.uint8Array({ minLength: 1, maxLength: 8 }))
  return fc.oneof(
    { weight: 4, arbitrary: mutated(valid, tokens).map(text => Buffer.from(text)) },
    {
      weight: 1,
      arbitrary: broken.map(([text, at, bytes]) => {
        const whole = Buffer.from(text)
        const from = Math.floor(at * whole.length)
        return Buffer.concat([whole.subarray(0, from), bytes, whole.subarray(from)])
      }),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)) },
  )
}

/** Values that belong nowhere. */
const WRONG: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e300,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  '0',
  '-1',
  '\0',
  '/',
  '..',
  'x'.repeat(5000),
  '9'.repeat(5000),
  [],
  {},
  [[]],
  { __proto__: null, constructor: 1 },
  [null],
  { '': '' },
]

/** A valid JSON value in which a few members have another value, another name, or are gone; as text, a few with broken syntax. */
export function mutatedJson(valid: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('replace', 'remove', 'rename', 'nest'),
    value: fc.oneof(fc.constantFrom(...WRONG), fc.jsonValue({ maxDepth: 2 })),
    name: fc.oneof(
      fc.constantFrom('__proto__', 'constructor', '', 'a/b', '\0', '/x/nb-1-big', 'key'),
      fc.string({ maxLength: 8 }),
    ),
    depth: fc.oneof(fc.nat(10), fc.nat(800)),
  })
  const edited = fc.tuple(valid, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([value, edits]) => {
    const root: { value: unknown } = { value: structuredClone(value) }
    for (const { at, kind, value: other, name, depth } of edits) {
      const members = membersOf(root)
      const member = members[at % members.length]
      if (member === undefined) continue
      const [holder, key] = member
      // A copy: further edits would make the value part of itself otherwise.
      if (kind === 'replace') holder[key] = structuredClone(other)
      else if (kind === 'nest') holder[key] = nested(depth)
      else if (kind === 'rename' && !Array.isArray(holder)) define(holder, name, holder[key])
      if (kind === 'remove' || kind === 'rename')
        if (holder !== (root as unknown)) Reflect.deleteProperty(holder, key)
    }
    return JSON.stringify(root.value)
  })
  return fc.oneof(
    { weight: 4, arbitrary: edited },
    { weight: 1, arbitrary: mutated(valid.map(value => JSON.stringify(value))) },
  )
}

type Holder = Record<string, unknown>

/** Every member, however deep: a value may have been nested thousands of times. */
function membersOf(root: object): [Holder, string][] {
  const found: [Holder, string][] = []
  const holders = [root]
  for (let holder = holders.pop(); holder !== undefined; holder = holders.pop()) {
    for (const [key, value] of Object.entries(holder)) {
      found.push([holder as Holder, key])
      if (typeof value === 'object' && value !== null) holders.push(value as object)
    }
  }
  return found
}

/** Also where the name is `__proto__`. */
function define(holder: Holder, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let n = 0; n < depth; n++) value = n % 2 === 0 ? [value] : { x: value }
  return value
}
