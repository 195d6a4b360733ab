import { PatternError } from './pattern-error.js'
import { ExtentMeter, type Extent } from './pattern-extent.js'

const QUANTIFIER = /(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d*)\})/y
const GROUP_NAME = /[A-Za-z_]\w*/y

/** Letters and digits that may follow a backslash, besides numbers of characters and groups. */
const ESCAPES = 'dDsSwWafnrtv'

/** A regular expression in Python's syntax, rewritten for the two matchers. */
export interface PythonPattern {
  /** RE2's syntax, with the flags in front; without what RE2 cannot do. */
  readonly re2: string
  /** JavaScript's syntax. */
  readonly javascript: string
  readonly flags: string
  /** Whether it looks ahead or refers back, which RE2 cannot do. */
  readonly goesBack: boolean
  readonly looksBehind: boolean
  /** Whether it can match at the beginning of a path alone. */
  readonly isAnchored: boolean
  readonly extent: Extent
}

/** An open parenthesis. */
interface Group {
  readonly at: number
  readonly isAssertion: boolean
}

/** A reader of Python's regular expression syntax that writes RE2's and JavaScript's. */
class Reader {
  private at = 0
  private re2 = ''
  private javascript = ''
  private repeatable = false
  private groups = 0
  private goesBack = false
  private looksBehind = false
  private isChoice = false
  private isInClass = false
  private readonly flags = new Set<string>()
  private readonly names = new Set<string>()
  private readonly open: Group[] = []
  private readonly meter = new ExtentMeter()

  /** @param multiline whether ^ and $ match at lines */
  constructor(
    private readonly source: string,
    private readonly multiline: boolean,
  ) {}

  read(): PythonPattern {
    while (this.at < this.source.length) this.next()
    const unclosed = this.open.at(-1)
    if (unclosed !== undefined) throw new PatternError('missing ) for the (', unclosed.at)
    if (this.flags.has('m') && !this.multiline) return new Reader(this.source, true).read()
    const flags = [...this.flags].sort().join('')
    return {
      re2: flags === '' ? this.re2 : `(?${flags})${this.re2}`,
      javascript: this.javascript,
      flags,
      goesBack: this.goesBack,
      looksBehind: this.looksBehind,
      isAnchored: /^\^/.test(this.javascript) && !this.multiline && !this.isChoice,
      extent: this.meter.total(),
    }
  }

  private next(): void {
    const character = this.source.charAt(this.at)
    const repeat = this.match(QUANTIFIER)
    if (repeat !== undefined) this.repeat(repeat)
    else if (character === '\\') this.escape()
    else if (character === '[') this.characterClass()
    else if (character === '(') this.group()
    else if (character === ')') this.close()
    else if (character === '|') this.alternative()
    else this.piece(character, character, 1, !'^$'.includes(character))
  }

  private match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.at
    return sticky.exec(this.source)?.[0]
  }

  /** Writes what is neither a character, a class nor an assertion, and passes `consumed` characters. */
  private emit(re2: string, javascript: string, consumed: number, repeatable = false): void {
    this.re2 += re2
    this.javascript += javascript
    this.at += consumed
    this.repeatable = repeatable
  }

  private piece(re2: string, javascript: string, consumed: number, repeatable = true): void {
    this.meter.piece()
    this.emit(re2, javascript, consumed, repeatable)
  }

  private alternative(): void {
    this.meter.alternative()
    if (this.open.length === 0) this.isChoice = true
    this.emit('|', '|', 1)
  }

  private repeat(text: string): void {
    if (!this.repeatable) throw new PatternError(`nothing to repeat for ${text}`, this.at)
    const [, first = '', last] = /^\{(\d*)(?:,(\d*))?\}$/.exec(text) ?? []
    const low = text === '+' ? 1 : Number(first)
    const high = text === '?' ? 1 : Number((last ?? first) || Infinity)
    if (high < low) throw new PatternError(`${text} has its bounds the wrong way round`, this.at)
    this.meter.repeat(low, high)
    const lazy = this.source.charAt(this.at + text.length) === '?' ? '?' : ''
    const written = (text.startsWith('{,') ? `{0${text.slice(1)}` : text) + lazy
    this.emit(written, written, text.length + lazy.length)
  }

  private escape(): void {
    const letter = this.source.charAt(this.at + 1)
    const number = this.characterNumber()
    if (letter === '') throw new PatternError('nothing follows the backslash', this.at)
    if (number !== undefined) this.piece(number.re2, number.javascript, number.length)
    else if (letter === 'A') this.piece('\\A', this.multiline ? '(?<![\\s\\S])' : '^', 2, false)
    else if (letter === 'Z') this.piece('\\z', this.multiline ? '(?![\\s\\S])' : '$', 2, false)
    else if (/[1-9]/.test(letter)) this.backReference()
    else if (/[bB]/.test(letter)) this.piece(`\\${letter}`, `\\${letter}`, 2, false)
    else {
      const written = this.plainEscape(letter)
      this.piece(written, written, 2)
    }
  }

  /** A backslash with a letter that means a character or a class of them, or with a character that is no letter. */
  private plainEscape(letter: string): string {
    if (/[A-Za-z0-9]/.test(letter) && !ESCAPES.includes(letter))
      throw new PatternError(`\\${letter} is not supported`, this.at)
    if (letter === 'a') return '\\x07'
    return letter.charCodeAt(0) > 127 ? letter : `\\${letter}`
  }

  /** A character by its number: `\x2d`, `\u00e9`, `\055`. */
  private characterNumber(): { re2: string; javascript: string; length: number } | undefined {
    const text =
      this.match(/\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|[0-3][0-7]{2}|0[0-7]?)/y) ?? this.octalOfClass()
    if (text === undefined) return undefined
    const code = /[xu]/.test(text) ? Number.parseInt(text.slice(2), 16) : Number.parseInt(text.slice(1), 8)
    const digits = code.toString(16).padStart(4, '0')
    return { re2: `\\x{${digits}}`, javascript: `\\u${digits}`, length: text.length }
  }

  /** In a class there are no back references. */
  private octalOfClass(): string | undefined {
    return this.isInClass ? this.match(/\\[0-7]{1,2}/y) : undefined
  }

  private backReference(): void {
    const digits = this.match(/\\\d{1,2}/y) ?? ''
    if (Number(digits.slice(1)) > this.groups) {
      throw new PatternError(`${digits} refers to a group that does not exist`, this.at)
    }
    this.refer(digits, digits.length)
  }

  private refer(javascript: string, consumed: number): void {
    this.goesBack = true
    this.meter.reference()
    // The brackets keep a digit that follows from becoming part of the number.
    this.emit('', `(?:${javascript})`, consumed, true)
  }

  private characterClass(): void {
    const start = this.at
    const opening = this.match(/\[\^?/y) ?? ''
    this.piece(opening, opening, opening.length)
    // Python takes a ] that comes first as itself, JavaScript as the end of an empty class.
    if (this.source.charAt(this.at) === ']') this.emit('\\]', '\\]', 1)
    this.isInClass = true
    while (this.at < this.source.length && this.source.charAt(this.at) !== ']') this.classItem()
    this.isInClass = false
    if (this.source.charAt(this.at) !== ']') throw new PatternError('missing ] for the [', start)
    this.emit(']', ']', 1, true)
  }

  private classItem(): void {
    const range = this.match(/([^\\\]])-([^\\\]])/y)
    if (range !== undefined && range.charAt(0) > range.charAt(2)) {
      throw new PatternError(`bad character range ${range}`, this.at)
    }
    const number = this.characterNumber()
    const letter = this.source.charAt(this.at + 1)
    if (number !== undefined) this.emit(number.re2, number.javascript, number.length)
    else if (this.source.charAt(this.at) !== '\\') this.classText(range ?? this.source.charAt(this.at))
    else if (letter === '') throw new PatternError('nothing follows the backslash', this.at)
    else {
      const written = letter === 'b' ? '\\x08' : this.plainEscape(letter)
      this.emit(written, written, 2)
    }
  }

  private classText(text: string): void {
    // RE2 would read [: as the beginning of a POSIX class.
    const written = text.replaceAll('[', '\\[')
    this.emit(written, written, text.length)
  }

  private group(): void {
    const start = this.at
    const flags = this.match(/\(\?[aiLmsux]+\)/y)
    const comment = this.match(/\(\?#[^)]*\)/y)
    if (flags !== undefined) this.globalFlags(flags)
    else if (comment !== undefined) this.at += comment.length
    else if (this.source.startsWith('(?P=', start)) this.namedReference()
    else {
      const isAssertion = this.openGroup()
      this.open.push({ at: start, isAssertion })
      this.meter.open()
    }
  }

  private globalFlags(text: string): void {
    for (const flag of text.slice(2, -1)) {
      if (flag === 'x' || flag === 'L') throw new PatternError(`the flag ${flag} is not supported`, this.at)
      if ('ims'.includes(flag)) this.flags.add(flag)
    }
    this.at += text.length
  }

  private namedReference(): void {
    const [, name = ''] = /^\(\?P=(\w*)\)/.exec(this.source.slice(this.at)) ?? []
    if (!this.names.has(name))
      throw new PatternError('reference to a group name that does not exist', this.at)
    this.refer(`\\k<${name}>`, name.length + 5)
  }

  /** @returns whether the group looks ahead or behind */
  private openGroup(): boolean {
    const plain = this.match(/\(\?(?:[ims]*(?:-[ims]+)?:|[=!]|<[=!])|\((?!\?)/y)
    if (plain === undefined) {
      this.openNamedGroup()
      return false
    }
    if (plain === '(') this.groups++
    const isAssertion = /[=!]$/.test(plain)
    if (isAssertion && plain.includes('<')) this.looksBehind = true
    else if (isAssertion) this.goesBack = true
    // RE2 need not know what a group matched. JavaScript repeats no assertion that is not in brackets.
    this.emit(plain === '(' ? '(?:' : plain, isAssertion ? `(?:${plain}` : plain, plain.length)
    return isAssertion
  }

  private openNamedGroup(): void {
    const start = this.at
    const opening = this.match(/\(\?P?</y)
    if (opening === undefined) {
      throw new PatternError(`${this.source.slice(start, start + 3)} is not supported`, start)
    }
    this.at += opening.length
    const name = this.match(GROUP_NAME)
    if (name === undefined || this.source.charAt(this.at + name.length) !== '>') {
      throw new PatternError('bad group name', this.at)
    }
    if (this.names.has(name)) throw new PatternError(`the group name ${name} is used twice`, this.at)
    this.names.add(name)
    this.groups++
    this.emit('(?:', `(?<${name}>`, name.length + 1)
  }

  private close(): void {
    const group = this.open.pop()
    if (group === undefined) throw new PatternError('unbalanced )', this.at)
    this.meter.close(group.isAssertion)
    this.emit(')', group.isAssertion ? '))' : ')', 1, true)
  }
}

/**
 * Reads a regular expression as the original's users wrote it, in Python's syntax: `(?i)` anywhere, `(?P<name>…)`, `\A`, `\Z`,
 * `{,n}` and `[]…]` mean here what they mean there (https://docs.python.org/3/library/re.html#regular-expression-syntax).
 * @throws PatternError with the place of the first fault
 */
export function readPattern(source: string): PythonPattern {
  return new Reader(source, false).read()
}
