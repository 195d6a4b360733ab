import type { XmlNode } from './xml-node.js'

/** A document without its entries, and the entries. */
export interface SplitListing {
  readonly rest: string
  readonly contents: XmlNode[]
}

const BEGIN = '<Contents>'
const END = '</Contents>'

/** One element of an entry: with text; empty; or with such elements in it (`Owner`), of which nothing is taken. */
const ELEMENT =
  /\s*(?:<([A-Za-z0-9]+)>([^<]*)<\/\1>|<[A-Za-z0-9]+\/>|<([A-Za-z0-9]+)>(?:\s*<([A-Za-z0-9]+)>[^<]*<\/\4>)*\s*<\/\3>)\s*/y

/** The one element that an entry may have more than once, which nobody reads. */
const MANY = 'ChecksumAlgorithm'

const REFERENCE = /&(?:([a-z]+)|#(\d{1,7})|#x([0-9a-f]{1,6}));?/gi

/** The entities of XML itself. */
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Longer strings that V8 cuts out of another one keep all of that one in memory. */
const SLICED = 13

/**
 * Takes the entries out of a LIST, which an XML parser would take 30 ms of the thread for, and this 3.
 * @returns undefined where an entry is not as every server known writes it: then the parser has to read it
 */
export function splitListing(source: string): SplitListing | undefined {
  let at = source.indexOf(BEGIN)
  // A comment or CDATA may hold anything.
  if (at < 0 || source.includes('<!')) return undefined
  const contents: XmlNode[] = []
  let rest = source.slice(0, at)
  while (at >= 0) {
    const end = source.indexOf(END, at)
    const entry = end < 0 ? undefined : entryOf(source, at + BEGIN.length, end)
    if (entry === undefined) return undefined
    contents.push(entry)
    const next = source.indexOf(BEGIN, end)
    rest += source.slice(end + END.length, next < 0 ? undefined : next)
    at = next
  }
  return { rest, contents }
}

function entryOf(source: string, begin: number, end: number): XmlNode | undefined {
  const entry: XmlNode = {}
  for (ELEMENT.lastIndex = begin; ELEMENT.lastIndex < end;) {
    const [, name, value] = ELEMENT.exec(source) ?? [undefined]
    if (ELEMENT.lastIndex === 0) return undefined
    if (name === undefined || value === undefined || name === MANY) continue
    const text = textOf(value)
    if (text === undefined || name in entry) return undefined
    entry[name] = text
  }
  return ELEMENT.lastIndex === end ? entry : undefined
}

/** Text without references; undefined where one is not XML's own. */
function textOf(value: string): string | undefined {
  if (!value.includes('&')) return value.length < SLICED ? value : Buffer.from(value).toString()
  const unknown: string[] = []
  const text = value.replace(REFERENCE, (reference, name?: string, decimal?: string, hex?: string) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    const character = name === undefined ? characterOf(code) : ENTITIES[name]
    if (character === undefined || !reference.endsWith(';')) unknown.push(reference)
    return character ?? ''
  })
  // An ampersand that the pattern did not match is no reference.
  return unknown.length === 0 && !value.replace(REFERENCE, '').includes('&') ? text : undefined
}

/** @param code a code point; undefined for one that XML does not have */
function characterOf(code: number): string | undefined {
  const isSurrogate = code >= 0xd800 && code < 0xe000
  return code > 0 && code <= 0x10ffff && !isSurrogate ? String.fromCodePoint(code) : undefined
}
