import t from 'tap'
import type { BucketClient } from '../contract/bucket-client.js'
import { start } from './support.js'

const COUNT = 2500

function keyOf(number: number): string {
  return `data/table-${number % 5}/nb-${String(number).padStart(5, '0')}-big-Data.db`
}

async function walk(
  s3: BucketClient,
  query: Record<string, string>,
): Promise<{ entries: string[]; pages: number }> {
  const entries: string[] = []
  for (let token = '', pages = 1; ; pages++) {
    const page = await s3.list({ ...query, ...(token === '' ? {} : { 'continuation-token': token }) })
    entries.push(...page.elements('Key'))
    token = page.element('NextContinuationToken') ?? ''
    if (token === '') return { entries, pages }
  }
}

await t.test('2,500 keys are listed in pages, each once and in order', async t => {
  const { s3 } = await start(t)
  const numbers = Array.from({ length: COUNT }, (_, number) => number)
  for (let at = 0; at < COUNT; at += 100) {
    await Promise.all(numbers.slice(at, at + 100).map(number => s3.put(keyOf(number), 'x')))
  }
  const keys = numbers.map(keyOf).sort()
  const all = await walk(s3, {})
  t.same([all.entries.length, all.pages], [COUNT, 3])
  t.strictSame(all.entries, keys)
  t.strictSame((await walk(s3, { 'max-keys': '5000' })).pages, 3, 'no page is longer than 1,000')
  t.strictSame((await walk(s3, { 'max-keys': '99' })).entries, keys)
  const one = await walk(s3, { prefix: 'data/table-3/' })
  t.strictSame(
    one.entries,
    keys.filter(key => key.startsWith('data/table-3/')),
  )
  const after = await walk(s3, { 'start-after': keys[1233]! })
  t.strictSame(after.entries, keys.slice(1234))
  const rolled = await s3.list({ prefix: 'data/', delimiter: '/' })
  t.equal(rolled.text.match(/<CommonPrefixes>/g)?.length, 5)
  t.equal((await s3.list({ 'continuation-token': 'nonsense' })).outcome, '400 InvalidArgument')

  const first = await s3.list({ 'max-keys': '1000' })
  await s3.send('DELETE', keys[999])
  await s3.send('DELETE', keys[1000])
  const rest = await s3.list({ 'continuation-token': first.element('NextContinuationToken') ?? '' })
  t.equal(rest.element('Key'), keys[1001], 'a page goes on behind a key that is deleted meanwhile')
})

await t.test('keys come in the order of their UTF-8 bytes, not of UTF-16', async t => {
  const { s3 } = await start(t)
  const keys = ['a', 'a\u0001', 'a/b', 'ab', 'Z', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}']
  for (const key of [...keys].reverse()) await s3.put(key, 'x')
  const listed = (await s3.list({ 'encoding-type': 'url' }))
    .elements('Key')
    .map(key => decodeURIComponent(key))
  t.strictSame(
    listed,
    [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
})

await t.test('markers at and within rolled-up prefixes', async t => {
  const { s3 } = await start(t)
  for (const key of ['a', 'b/1', 'b/2', 'b/3', 'c']) await s3.put(key, 'x')
  const list = async (query: Record<string, string>): Promise<string[]> => {
    const answer = await s3.send('GET', undefined, { query: { delimiter: '/', ...query } })
    const prefixes = [...answer.text.matchAll(/<CommonPrefixes><Prefix>([^<]*)/g)].map(
      match => match[1] ?? '',
    )
    return [...answer.elements('Key'), ...prefixes]
  }
  t.same(await list({ marker: 'b/' }), ['c'], 'a marker that is the prefix passes over it')
  t.same(await list({ marker: 'b/2' }), ['c', 'b/'], 'one within it does not')
  t.same(await list({ marker: 'a', 'max-keys': '1' }), ['b/'])
  const page = await s3.send('GET', undefined, { query: { delimiter: '/', 'max-keys': '2' } })
  t.equal(page.element('NextMarker'), 'b/')
})
