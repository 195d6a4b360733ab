import { createRequire } from 'node:module'

import type * as Re2 from 're2js'

import { PatternError } from './pattern-error.js'
import { stepsOf } from './pattern-extent.js'
import { readPattern, type PythonPattern } from './python-pattern.js'

const require = createRequire(import.meta.url)

/** States up to which an expression is accepted: over a path of 300 characters RE2 takes up to 20 ms with so many. */
const MOST_STATES = 1000

/** Steps of JavaScript's matcher up to which an expression is accepted: some 20 ms. */
const MOST_STEPS = 2_000_000

/**
 * A regular expression of -e or -i. RE2 matches it in a time that grows with the length of the path alone. RE2 cannot look ahead
 * or refer back: JavaScript's matcher takes over there, for expressions in which it cannot go back too often.
 */
export class Pattern {
  /** As it was given, in Python's syntax. */
  readonly source: string
  readonly #matches: (path: string) => boolean

  /** @throws PatternError with the place of the first fault, or saying that it may take too long */
  constructor(source: string) {
    this.source = source
    const pattern = readPattern(source)
    if (pattern.extent.states > MOST_STATES)
      throw new PatternError(
        `it is too large: with its repetitions written out it has ${pattern.extent.states} pieces, ${MOST_STATES} are possible`,
        undefined,
      )
    this.#matches = pattern.goesBack ? javascriptMatcher(pattern) : re2Matcher(pattern)
  }

  /** Whether the expression is found anywhere in a path. */
  test(path: string): boolean {
    return this.#matches(path)
  }
}

function re2Matcher({ re2, looksBehind }: PythonPattern): (path: string) => boolean {
  // Most command lines have no expression: they do not pay for RE2.
  const { RE2JS } = require('re2js') as typeof Re2
  try {
    const matcher = RE2JS.compile(re2, looksBehind ? RE2JS.LOOKBEHINDS : 0)
    return path => matcher.test(path)
  } catch (error) {
    throw refused(error, /^error parsing regexp: /)
  }
}

function javascriptMatcher(pattern: PythonPattern): (path: string) => boolean {
  if (stepsOf(pattern.extent, pattern.isAnchored) > MOST_STEPS)
    throw new PatternError(
      'it may take for ever over a long path: with (?=, (?! or a back reference, few repetitions are possible, and none of a ' +
        'group with a choice or a repetition in it',
      undefined,
    )
  try {
    const matcher = new RegExp(pattern.javascript, pattern.flags)
    return path => matcher.test(path)
  } catch (error) {
    throw refused(error, /^.*\/[a-z]*: /s)
  }
}

function refused(error: unknown, prefix: RegExp): PatternError {
  const reason = error instanceof Error ? error.message.replace(prefix, '') : String(error)
  return new PatternError(reason.charAt(0).toLowerCase() + reason.slice(1), undefined)
}
