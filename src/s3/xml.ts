import { createRequire } from 'node:module'

import type { XMLParser as Parser } from 'fast-xml-parser'

import { splitListing } from './contents.js'
import type { XmlNode, XmlValue } from './xml-node.js'

const require = createRequire(import.meta.url)

/** Elements that may come more than once, or once, or not at all. */
const LISTS = new Set(['Contents', 'CommonPrefixes', 'Upload', 'Part', 'Deleted', 'Bucket'])

let parser: Parser | undefined

/** Loaded with the first answer that is XML: a worker that only puts objects sees none. */
function loadParser(): Parser {
  const { XMLParser } = require('fast-xml-parser') as { XMLParser: typeof Parser }
  // Keys like `1e5`, ` a ` and `&#10;` must come through as they are.
  return new XMLParser({
    ignoreDeclaration: true,
    ignoreAttributes: true,
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true,
    processEntities: true,
    removeNSPrefix: true,
    isArray: (name, path) => LISTS.has(name) || (name === 'Error' && String(path).startsWith('DeleteResult')),
  })
}

/** The end of a document: `</root>`, or `<root …/>` where it is empty. */
const END = /(?:<\/(?:[^\s<>/:]+:)?([^\s<>/:]+)\s*|<(?:[^\s<>/:]+:)?([^\s<>/:]+)(?:\s[^<>]*)?\/)>\s*$/

/** How far from its end a document is searched for {@link END}: the regular expression takes its time over a long one. */
const LONGEST_END = 1024

/** The root element of a document and its name; undefined when it is no XML, or not all of it. */
export function parseXml(body: Buffer): { root: string; node: XmlNode } | undefined {
  if (body.length === 0) return undefined
  parser ??= loadParser()
  try {
    const source = body.toString('utf8')
    const [, closed, empty] = END.exec(source.slice(-LONGEST_END)) ?? []
    const split = splitListing(source)
    const document = parser.parse(split?.rest ?? source) as XmlNode
    for (const [root, value] of Object.entries(document)) {
      if (root.startsWith('#') || root.startsWith('?')) continue
      // The parser makes do with half a document, and half a listing would pass for a whole one.
      if (root !== (closed ?? empty)) return undefined
      const node = isNode(value) ? value : {}
      return { root, node: split === undefined ? node : { ...node, Contents: split.contents } }
    }
  } catch {
    // Not XML: an answer of a proxy, or cut off.
  }
  return undefined
}

function isNode(value: XmlValue): value is XmlNode {
  return typeof value === 'object' && !Array.isArray(value)
}

/** The text of a child; undefined when it is missing. */
export function text(node: XmlNode, name: string): string | undefined {
  const value = node[name]
  if (typeof value === 'string') return value
  if (isNode(value)) return typeof value['#text'] === 'string' ? value['#text'] : ''
  return undefined
}

/** All children of a name that are elements. */
export function children(node: XmlNode, name: string): XmlNode[] {
  const value = node[name]
  const list = Array.isArray(value) ? value : [value]
  return list.filter(isNode)
}

/** Text for the inside of an element, control characters as character references. */
export function escapeXml(value: string): string {
  return value
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/[\t\n\r]/g, c => `&#${c.charCodeAt(0)};`)
}
