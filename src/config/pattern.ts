import { setFlagsFromString } from 'node:v8'

// V8 can match without going back, in a time that grows with the length of the text alone, whatever the expression is. It
// changes over to that matcher by itself when an expression goes back too often. `l` is the flag that asks for it from the start.
setFlagsFromString('--enable-experimental-regexp-engine')
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

/** Repetitions of an expression that must go back: with one more, a path of 300 characters takes a second. */
const MOST_REPETITIONS = 2

/** Repetitions of a group up to which it counts as short. */
const SHORT = 4

/** What is wrong with a regular expression, and where. */
export class PatternError extends Error {
  override readonly name = 'PatternError'

  /** @param at index of the offending character; undefined when only the engine knows */
  constructor(reason: string, at: number | undefined) {
    super(at === undefined ? reason : `${reason} at character ${at + 1}`)
  }
}

const quantifier = /(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d*)\})/y
const groupName = /[A-Za-z_]\w*/y

/** A reader of Python's regular expression syntax that writes JavaScript's. */
class Translator {
  private at = 0
  private out = ''
  private repeatable = false
  private groups = 0
  private readonly flags = new Set<string>()
  private readonly names = new Set<string>()
  private readonly open: number[] = []
  /** Of each open group, and of the whole: whether there is a choice or a repetition in it. */
  private readonly choices: boolean[] = [false]
  /** Whether the piece before is a group with a choice in it. */
  private isChoice = false
  private repetitions = 0
  /** A group with choices is repeated: there may be more ways to match than anybody can try. */
  private explodes = false

  /** @param multiline whether ^ and $ match at lines */
  constructor(
    private readonly source: string,
    private readonly multiline: boolean,
  ) {}

  translate(): RegExp {
    while (this.at < this.source.length) this.next()
    const unclosed = this.open.at(-1)
    if (unclosed !== undefined) throw new PatternError('missing ) for the (', unclosed)
    if (this.flags.has('m') && !this.multiline) return new Translator(this.source, true).translate()
    const flags = [...this.flags].sort().join('')
    try {
      const expression = new RegExp(this.out, flags)
      if (isLinear(this.out, flags) || !(this.explodes || this.repetitions > MOST_REPETITIONS))
        return expression
      throw new Error(
        'it may take for ever over a long path: (?i), (?=, (?!, back references and long {n,m} allow no repetition of a group ' +
          `with a choice or a repetition in it, and ${MOST_REPETITIONS} repetitions in all`,
      )
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^.*\/[a-z]*: /s, '') : String(error)
      throw new PatternError(reason.toLowerCase(), undefined)
    }
  }

  private next(): void {
    const character = this.source.charAt(this.at)
    const repeat = this.match(quantifier)
    if (repeat !== undefined) this.repeat(repeat)
    else if (character === '\\') this.escape()
    else if (character === '[') this.characterClass()
    else if (character === '(') this.group()
    else if (character === ')') this.close()
    else this.emit(character, !'|^$'.includes(character))
  }

  private emit(text: string, repeatable: boolean, consumed = text.length): void {
    this.out += text
    this.at += consumed
    this.repeatable = repeatable
    this.isChoice = false
    if (text === '|') this.choices[this.choices.length - 1] = true
  }

  private match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.at
    return sticky.exec(this.source)?.[0]
  }

  private repeat(text: string): void {
    if (!this.repeatable) throw new PatternError(`nothing to repeat for ${text}`, this.at)
    const [, low = '', high] = /^\{(\d*)(?:,(\d*))?\}$/.exec(text) ?? []
    if (low !== '' && high !== undefined && high !== '' && Number(high) < Number(low)) {
      throw new PatternError(`${text} has its bounds the wrong way round`, this.at)
    }
    const isLong = /[*+]|,\}$/.test(text) || Number(high ?? low) > SHORT
    if (isLong) this.repetitions++
    if (isLong && this.isChoice) this.explodes = true
    this.choices[this.choices.length - 1] = true
    const lazy = this.source.charAt(this.at + text.length) === '?' ? '?' : ''
    this.emit((text.startsWith('{,') ? `{0${text.slice(1)}` : text) + lazy, false, text.length + lazy.length)
  }

  private escape(): void {
    const letter = this.source.charAt(this.at + 1)
    if (letter === '') throw new PatternError('nothing follows the backslash', this.at)
    if (letter === 'A') this.emit(this.multiline ? '(?<![\\s\\S])' : '^', false, 2)
    else if (letter === 'Z') this.emit(this.multiline ? '(?![\\s\\S])' : '$', false, 2)
    else if (letter === 'a') this.emit('\\x07', true, 2)
    else if (/[1-9]/.test(letter)) this.backReference()
    else this.emit(`\\${letter}`, !/[bB]/.test(letter), 2)
  }

  private backReference(): void {
    const digits = this.match(/\\\d{1,2}/y) ?? ''
    if (Number(digits.slice(1)) > this.groups) {
      throw new PatternError(`${digits} refers to a group that does not exist`, this.at)
    }
    // The brackets keep a digit that follows from becoming part of the number.
    this.emit(`(?:${digits})`, true, digits.length)
  }

  private characterClass(): void {
    const start = this.at
    this.emit(this.match(/\[\^?/y) ?? '', true)
    // Python takes a ] that comes first as itself, JavaScript as the end of an empty class.
    if (this.source.charAt(this.at) === ']') this.emit('\\]', true, 1)
    for (;;) {
      const item = this.match(/\\[\s\S]|[^\\\]]/y)
      if (item === undefined) break
      const range = this.match(/([^\\\]])-([^\\\]])/y)
      if (range !== undefined && range.charAt(0) > range.charAt(2)) {
        throw new PatternError(`bad character range ${range}`, this.at)
      }
      this.emit(range ?? (item === '\\a' ? '\\x07' : item), true, (range ?? item).length)
    }
    if (this.source.charAt(this.at) !== ']') throw new PatternError('missing ] for the [', start)
    this.emit(']', true)
  }

  private group(): void {
    const start = this.at
    const flags = this.match(/\(\?[aiLmsux]+\)/y)
    const comment = this.match(/\(\?#[^)]*\)/y)
    if (flags !== undefined) this.globalFlags(flags)
    else if (comment !== undefined) this.at += comment.length
    else if (this.source.startsWith('(?P=', start)) this.namedReference()
    else {
      this.openGroup()
      this.open.push(start)
      this.choices.push(false)
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
    this.emit(`\\k<${name}>`, true, name.length + 5)
  }

  private openGroup(): void {
    const plain = this.match(/\(\?(?:[:=!]|<[=!])|\((?!\?)/y)
    if (plain !== undefined) {
      if (plain === '(') this.groups++
      this.emit(plain, false)
      return
    }
    const start = this.at
    const opening = this.match(/\(\?P?</y)
    if (opening === undefined) {
      throw new PatternError(`${this.source.slice(start, start + 3)} is not supported`, start)
    }
    this.at += opening.length
    const name = this.match(groupName)
    if (name === undefined || this.source.charAt(this.at + name.length) !== '>') {
      throw new PatternError('bad group name', this.at)
    }
    if (this.names.has(name)) throw new PatternError(`the group name ${name} is used twice`, this.at)
    this.names.add(name)
    this.groups++
    this.emit(`(?<${name}>`, false, name.length + 1)
  }

  private close(): void {
    if (this.open.pop() === undefined) throw new PatternError('unbalanced )', this.at)
    this.emit(')', true)
    this.isChoice = this.choices.pop() === true
    if (this.isChoice) this.choices[this.choices.length - 1] = true
  }
}

/** Whether V8 can match an expression without going back. */
function isLinear(source: string, flags: string): boolean {
  try {
    new RegExp(source, `${flags}l`)
    return true
  } catch {
    return false
  }
}

/**
 * Compiles a regular expression as the originals' users wrote them, in Python's syntax: leading `(?i)`,
 * `(?P<name>…)`, `\A`, `\Z`, `{,n}` and `[]…]` mean here what they mean there.
 * @throws PatternError with the place of the first fault
 */
export function compilePattern(source: string): RegExp {
  return new Translator(source, false).translate()
}
