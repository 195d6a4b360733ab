import fc from 'fast-check'
import t from 'tap'

import { PatternError } from '../../src/config/pattern-error.js'
import { Pattern } from '../../src/config/pattern.js'
import { TablesnapError } from '../../src/errors.js'

import { fuzz } from './fuzz.js'
import { mutated } from './mutate.js'

const PATHS = [
  '/var/lib/cassandra/data/ks/t-5a1c0123456789abcdef0123456789ab/nb-3h5r_09tz_1cnjk2g7mhl3miqz80-big-Data.db',
  `/data/${'a'.repeat(48)}/${'ab'.repeat(24)}-5a1c0123456789abcdef0123456789ab/snapshots/${'x'.repeat(60)}/nb-1-big-Data.db`,
  `/data/ks/${'_'.repeat(48)}${'0'.repeat(100)}!`,
]

/** Expressions of a few pieces, put together so that many are slow for a matcher that goes back. */
const pattern = fc.letrec<{ whole: string; piece: string }>(tie => ({
  whole: fc.array(tie('piece'), { minLength: 1, maxLength: 4 }).map(pieces => pieces.join('')),
  piece: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'a',
      '.',
      '\\w',
      '[a-z]',
      'x',
      '/',
      '-',
      '\\d',
      '[^/]',
      '_',
      '$',
      '^',
      '\\A',
      '\\Z',
      'snapshots',
    ),
    fc
      .tuple(tie('piece'), fc.constantFrom('*', '+', '?', '{2,}', '{0,3}', '*?'))
      .map(([piece, times]) => `(?:${piece})${times}`),
    fc
      .tuple(tie('whole'), fc.constantFrom('*', '+', '', '{,4}'))
      .map(([piece, times]) => `(${piece})${times}`),
    fc.tuple(tie('whole'), tie('whole')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(fc.constantFrom('?=', '?!', '?<=', '?<!'), tie('whole'))
      .map(([kind, piece]) => `(${kind}${piece})`),
    fc.constantFrom('\\1', '(?P<n>a)', '(?P=n)', '(?i)', '(?m)', '(?s)'),
  ),
})).whole

await t.test('regular expressions of -e and -i', async t => {
  const patterns = fc.oneof(
    pattern,
    mutated(fc.oneof(pattern, fc.constant('(?P<x>[a-z]+)-\\d{,3}\\Z')), [
      '(?:',
      '(?i)',
      '{',
      '}',
      '\\',
      ')*',
      ')+$',
      '[[:alpha:]]',
    ]).map(text => text.slice(0, 2000)),
  )
  await fuzz(t, 'Pattern', patterns, source => {
    let expression: Pattern
    try {
      expression = new Pattern(source)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      throw new TablesnapError({ code: 'PATTERN', message: error.message })
    }
    for (const path of PATHS) expression.test(path)
  })
})
