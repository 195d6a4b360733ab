import type { ContractCase } from './contract-case.js'
import type { BucketClient } from './bucket-client.js'

const KEYS = [
  'l/a',
  'l/b/1',
  'l/b/2',
  'l/b/c/3',
  'l/b0',
  'l/c d',
  'l/d:/var/x',
  'l/d:/var/y',
  'l/e%2F',
  'l/f+g',
  'l/Z',
  'l/é',
  'l/漢',
  'l/🎉',
]

function inOrder(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

async function fill(s3: BucketClient): Promise<void> {
  for (const key of KEYS) await s3.put(key, 'x')
}

async function pages(
  s3: BucketClient,
  query: Record<string, string>,
): Promise<{ entries: string[]; pages: number }> {
  const entries: string[] = []
  let token: string | undefined
  for (let count = 1; ; count++) {
    const page = await s3.list({ ...query, ...(token === undefined ? {} : { 'continuation-token': token }) })
    // The prefix that is asked for comes back as an element of its own.
    const prefixes = [...page.text.matchAll(/<CommonPrefixes><Prefix>([^<]*)/g)].map(match => match[1] ?? '')
    entries.push(...page.elements('Key'), ...prefixes)
    token = page.element('NextContinuationToken')
    if ((page.element('IsTruncated') === 'true') !== (token !== undefined))
      throw new Error('IsTruncated without a token')
    if (token === undefined) return { entries, pages: count }
  }
}

export const listingCases: readonly ContractCase[] = [
  {
    name: 'keys are listed in the order of their bytes, with size, tag and time',
    async run(t, { s3 }) {
      await fill(s3)
      const answer = await s3.list({ prefix: 'l/' })
      t.same(answer.elements('Key'), inOrder(KEYS))
      t.same(
        answer.elements('Size'),
        KEYS.map(() => '1'),
      )
      t.equal(answer.elements('ETag').length, KEYS.length)
      t.ok(answer.elements('LastModified').every(time => Math.abs(Date.parse(time) - Date.now()) < 60_000))
      t.equal(answer.element('KeyCount'), String(KEYS.length))
      t.equal(answer.element('IsTruncated'), 'false')
      t.equal(answer.element('Name'), s3.bucket)
    },
  },
  {
    name: 'pages of every size make up the same list',
    async run(t, { s3 }) {
      await fill(s3)
      for (const size of [1, 2, 3, 5, KEYS.length, 1000]) {
        const found = await pages(s3, { prefix: 'l/', 'max-keys': String(size) })
        t.same(found.entries, inOrder(KEYS), `max-keys=${size}`)
        t.equal(found.pages, Math.ceil(KEYS.length / size), `max-keys=${size}: pages`)
      }
    },
  },
  {
    name: 'a delimiter rolls up what lies below it, in pages as well',
    async run(t, { s3 }) {
      await fill(s3)
      const expected = ['l/b/', 'l/d:/', ...KEYS.filter(key => !/^l\/(b|d:)\//.test(key))]
      for (const size of ['1', '2', '1000']) {
        const found = await pages(s3, { prefix: 'l/', delimiter: '/', 'max-keys': size })
        t.same(inOrder(found.entries), inOrder(expected), `max-keys=${size}`)
      }
      const below = await s3.list({ prefix: 'l/b/', delimiter: '/' })
      t.same(below.elements('Key'), ['l/b/1', 'l/b/2'])
      t.match(below.text, '<CommonPrefixes><Prefix>l/b/c/</Prefix></CommonPrefixes>')
      t.equal(below.element('KeyCount'), '3')
    },
  },
  {
    name: 'a prefix may end anywhere',
    async run(t, { s3 }) {
      await fill(s3)
      t.same((await s3.list({ prefix: 'l/d:/va' })).elements('Key'), ['l/d:/var/x', 'l/d:/var/y'])
      t.same((await s3.list({ prefix: 'l/e%' })).elements('Key'), ['l/e%2F'])
      t.same((await s3.list({ prefix: 'l/f+' })).elements('Key'), ['l/f+g'])
      t.same((await s3.list({ prefix: 'l/é' })).elements('Key'), ['l/é'])
      t.same((await s3.list({ prefix: 'l/none' })).elements('Key'), [])
    },
  },
  {
    name: 'start-after begins behind a key, whether it exists or not',
    async run(t, { s3 }) {
      await fill(s3)
      const query = { prefix: 'l/', 'max-keys': '2' }
      t.same((await s3.list({ ...query, 'start-after': 'l/b/1' })).elements('Key'), ['l/b/2', 'l/b/c/3'])
      t.same((await s3.list({ ...query, 'start-after': 'l/b/11' })).elements('Key'), ['l/b/2', 'l/b/c/3'])
      t.same((await s3.list({ ...query, 'start-after': 'm' })).elements('Key'), [])
    },
  },
  {
    name: 'max-keys of 0 is an empty page, of nonsense 400 InvalidArgument',
    async run(t, { s3 }) {
      await fill(s3)
      const none = await s3.list({ 'max-keys': '0' })
      t.same([none.status, none.elements('Key').length, none.element('IsTruncated')], [200, 0, 'false'])
      t.equal((await s3.list({ 'max-keys': 'many' })).outcome, '400 InvalidArgument')
      t.equal((await s3.list({ 'max-keys': '-1' })).outcome, '400 InvalidArgument')
    },
  },
  {
    name: 'the first version of the list pages by marker',
    async run(t, { s3 }) {
      await fill(s3)
      const first = await s3.send('GET', undefined, { query: { prefix: 'l/', 'max-keys': '3' } })
      const keys = first.elements('Key')
      t.same(keys, inOrder(KEYS).slice(0, 3))
      t.equal(first.element('IsTruncated'), 'true')
      const query = { prefix: 'l/', marker: keys[2] ?? '', 'max-keys': '3' }
      const second = await s3.send('GET', undefined, { query })
      t.same(second.elements('Key'), inOrder(KEYS).slice(3, 6))
    },
  },
  {
    name: 'encoding-type=url encodes keys and prefixes',
    exception: 'url-encoding',
    async run(t, { s3 }) {
      await fill(s3)
      await s3.put('l/b/new\nline\u0001', 'x')
      const answer = await s3.list({ prefix: 'l/', 'encoding-type': 'url' })
      t.equal(answer.element('EncodingType'), 'url')
      const keys = answer.elements('Key')
      for (const key of ['l/c+d', 'l/e%252F', 'l/f%2Bg', 'l/%C3%A9', 'l/d%3A/var/x', 'l/b/new%0Aline%01']) {
        t.ok(keys.includes(key), key)
      }
      await s3.send('DELETE', 'l/b/new\nline\u0001')
      const rolled = await s3.list({ prefix: 'l/d', delimiter: ':', 'encoding-type': 'url' })
      t.match(rolled.text, '<CommonPrefixes><Prefix>l/d%3A</Prefix>')
      t.equal((await s3.list({ 'encoding-type': 'rot13' })).outcome, '400 InvalidArgument')
    },
  },
]
