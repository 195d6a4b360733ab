import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { S3Error } from './s3-error.js'
import { listEncode } from './uri.js'

/** The namespace of all documents but errors. */
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'
const HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text with everything escaped that is markup or that a parser would change. */
export function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is escaped here
  return text.replace(/[&<>"\u0000-\u001f\u007f]/g, found => {
    return ENTITIES[found] ?? `&#x${found.charCodeAt(0).toString(16).toUpperCase()};`
  })
}

/** An element with text. */
export function element(name: string, text: string | number | boolean): string {
  return `<${name}>${escapeXml(String(text))}</${name}>`
}

/** An element that is left out when there is nothing to put in. */
export function optional(name: string, text: string | number | undefined): string {
  return text === undefined ? '' : element(name, text)
}

/** An element around markup. */
export function group(name: string, ...inner: readonly string[]): string {
  return `<${name}>${inner.join('')}</${name}>`
}

/** A document in Amazon's namespace. */
export function xmlDocument(root: string, ...inner: readonly string[]): string {
  return `${HEADER}<${root} xmlns="${NAMESPACE}">${inner.join('')}</${root}>`
}

/** Amazon's `<Error>` document. */
export function errorDocument(fields: Readonly<Record<string, string>>): string {
  const inner = Object.entries(fields).map(([name, text]) => element(name, text))
  return `${HEADER}<Error>${inner.join('')}</Error>`
}

/** Milliseconds since the epoch as lists show them. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/**
 * How a list writes keys: as they are, or form-encoded.
 * @param encoding the request's encoding-type
 * @throws S3Error `InvalidArgument` for any but `url`
 */
export function keyWriter(encoding: string | undefined): (name: string, key: string | undefined) => string {
  if (encoding !== undefined && encoding !== '' && encoding !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request')
  }
  const encode = encoding === 'url' ? listEncode : (key: string) => key
  return (name, key) => (key === undefined ? '' : element(name, encode(key)))
}

/** One parsed element: its text, or its children by name. */
export type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] }

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (found, ...groups: string[]) => {
      const [decimal, hex, name] = groups
      if (name !== undefined) return NAMED[name] ?? found
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return code <= 0x10ffff ? String.fromCodePoint(code) : found
    },
  )
}

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  // The parser drops references to control characters, which may be part of keys.
  processEntities: false,
  tagValueProcessor: (_name, text) => unescapeXml(text),
  ignoreDeclaration: true,
  removeNSPrefix: true,
})

function isWellFormed(text: string): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is one more package, for this one line
  return XMLValidator.validate(text) === true
}

/**
 * The root element of a request's document.
 * @throws S3Error `MalformedXML` when it is not well-formed or has another root
 */
export function parseXml(text: string, root: string): XmlNode {
  if (text.includes('<!DOCTYPE') || !isWellFormed(text)) throw new S3Error('MalformedXML')
  let parsed: Record<string, XmlNode | undefined>
  try {
    parsed = parser.parse(text) as Record<string, XmlNode | undefined>
  } catch {
    throw new S3Error('MalformedXML')
  }
  const found = parsed[root]
  if (found === undefined) throw new S3Error('MalformedXML')
  return found
}

/** The children of that name, in order. */
export function children(node: XmlNode, name: string): readonly XmlNode[] {
  if (typeof node === 'string') return []
  const found = node[name]
  if (found === undefined) return []
  return Array.isArray(found) ? (found as readonly XmlNode[]) : [found as XmlNode]
}

/** The text of the only child of that name, or undefined. */
export function childText(node: XmlNode, name: string): string | undefined {
  const [first] = children(node, name)
  return typeof first === 'string' ? first : undefined
}
