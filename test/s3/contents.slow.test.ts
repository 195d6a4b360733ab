import t from 'tap'

import { splitListing } from '../../src/s3/contents.js'
import { children, escapeXml, parseXml } from '../../src/s3/xml.js'
import { Random } from '../manifest/random.js'

const SEED = Number(process.env['SEED'] ?? 1)

/** Pieces of keys, some of which an XML parser must not take for what they look like. */
const PIECES = [
  'a',
  '1e5',
  ' ',
  '&',
  '<',
  '>',
  '"',
  "'",
  '\n',
  '%41',
  '+',
  'é',
  '😀',
  '&amp;',
  ']]>',
  '</Key>',
  '/',
]

await t.test('entries are read as the XML parser reads them', t => {
  const random = new Random(SEED)
  const word = () => Array.from({ length: random.below(6) }, () => random.pick(PIECES)).join('')
  let split = 0
  for (let round = 0; round < 3_000; round++) {
    const gap = random.pick(['', '', '\n  '])
    const entries = Array.from({ length: random.below(4) }, () => {
      const fields = [
        `<Key>${escapeXml(word())}</Key>`,
        `<Size>${random.below(9)}</Size>`,
        `<ETag>&quot;${random.below(99)}&quot;</ETag>`,
        ...(random.chance(0.3) ? [`<Owner><ID>${escapeXml(word())}</ID><DisplayName/></Owner>`] : []),
        ...(random.chance(0.2) ? ['<StorageClass/>'] : []),
        ...(random.chance(0.05)
          ? ['<Key2 a="b">x</Key2>', '<ns:X>1</ns:X>', '<X>&nbsp;</X>', '<X>&#0;</X>']
          : []),
      ]
      return `${gap}<Contents>${gap}${random.some(fields).join(gap)}${gap}</Contents>`
    })
    const source = `<?xml version="1.0"?><L><Name>b</Name>${entries.join('')}<IsTruncated>false</IsTruncated></L>`
    // With a comment in it, it is the parser's.
    const slow = parseXml(Buffer.from(source.replace('</L>', '<!-- --></L>')))
    const quick = parseXml(Buffer.from(source))
    if (splitListing(source) !== undefined) split++
    for (const name of ['Key', 'Size', 'ETag']) {
      const [one, other] = [quick, slow].map(xml => children(xml!.node, 'Contents').map(entry => entry[name]))
      if (JSON.stringify(one) !== JSON.stringify(other)) t.same(one, other, `${source}, SEED=${SEED}`)
    }
    if (JSON.stringify(quick!.node['Name']) !== '"b"') t.fail('the rest is lost')
  }
  t.ok(split > 1_000, `${split} were read without the parser, SEED=${SEED}`)
  t.end()
})

await t.test('what is cut off, or no plain entry, is left to the parser', t => {
  const entry = '<Contents><Key>k</Key></Contents>'
  t.match(splitListing(`<L>${entry}</L>`), { rest: '<L></L>', contents: [{ Key: 'k' }] })
  for (const source of [
    '<L></L>',
    `<L>${entry}<Contents><Key>k</Key>`,
    `<L>${entry}<Contents><Key>k</K></Contents></L>`,
    `<L><!-- ${entry} --></L>`,
    '<L><Contents><Key><![CDATA[k]]></Key></Contents></L>',
    '<L><Contents><Key>k</Key><Key>l</Key></Contents></L>',
    '<L><Contents><Key>a & b</Key></Contents></L>',
    '<L><Contents><Key>&#xd800;</Key></Contents></L>',
  ])
    t.equal(splitListing(source), undefined, source)
  t.equal(parseXml(Buffer.from(`<L>${entry}`)), undefined, 'half a document')
  t.end()
})
