import t from 'tap'

import { children, escapeXml, parseXml, text } from '../../src/s3/xml.js'

function parse(source: string): ReturnType<typeof parseXml> {
  return parseXml(Buffer.from(source))
}

await t.test('text comes through as it is', t => {
  for (const value of [
    '1e5',
    '0123',
    'true',
    ' a ',
    '',
    'a\nb\tc\r',
    '<&>"\'',
    '&amp;',
    'ü日\u{1F600}',
    '%2B+',
  ]) {
    t.equal(text(parse(`<R><Key>${escapeXml(value)}</Key></R>`)!.node, 'Key'), value, JSON.stringify(value))
  }
  t.equal(text(parse('<R><K>&#x41;&#66;&apos;&quot;</K></R>')!.node, 'K'), `AB'"`)
  t.equal(text(parse('<R><K><![CDATA[<a>&amp;]]></K></R>')!.node, 'K'), '<a>&amp;')
  t.equal(text(parse('<R><K/></R>')!.node, 'K'), '')
  t.equal(text(parse('<R><K a="b">x</K></R>')!.node, 'K'), 'x')
  t.equal(text(parse('<R></R>')!.node, 'K'), undefined)
  t.end()
})

await t.test('a thousand entries, each with entities', t => {
  const entry = '<Contents><Key>a&amp;b&#10;c</Key><ETag>&quot;0123&quot;</ETag></Contents>'
  const found = children(parse(`<R>${entry.repeat(1000)}</R>`)!.node, 'Contents')
  t.equal(found.length, 1000)
  t.same(found[999], { Key: 'a&b\nc', ETag: '"0123"' })
  t.end()
})

await t.test('one entry is a list as well', t => {
  t.equal(children(parse('<R><Part><ETag>x</ETag></Part></R>')!.node, 'Part').length, 1)
  t.same(children(parse('<R/>')!.node, 'Part'), [])
  t.end()
})

await t.test('namespaces, declarations, and space before and after', t => {
  const source =
    '\n \n<?xml version="1.0" encoding="UTF-8"?>\n<s3:R xmlns:s3="http://x/"><s3:K>v</s3:K></s3:R>\n\n'
  const { root, node } = parse(source)!
  t.equal(root, 'R')
  t.equal(text(node, 'K'), 'v')
  t.equal(parse('<R xmlns="http://x/"/>')!.root, 'R')
  t.equal(parse('<R xmlns="http://x/" />')!.root, 'R')
  t.end()
})

await t.test('what is no document, or not all of one, is none', t => {
  const whole =
    '<?xml version="1.0"?><ListBucketResult xmlns="x"><Contents><Key>a</Key></Contents></ListBucketResult>'
  t.equal(parse(whole)!.root, 'ListBucketResult')
  for (let length = 0; length < whole.length; length++) {
    t.equal(parse(whole.slice(0, length)), undefined, whole.slice(0, length))
  }
  for (const source of ['', ' ', 'text', '{"a":1}', '<html><body>it works', '<a></b>', '\0\0']) {
    t.equal(parse(source), undefined, source)
  }
  t.end()
})
