import type { ContractCase } from './contract-case.js'

/** Odd keys that a file system can hold. */
const ODD = [
  'node1:/var/lib/cassandra/data/ks/t-1/nb-1-big-Data.db',
  'keys/a b/c d.txt',
  'keys/pct%20x%/y',
  'keys/uni/é漢字🎉',
  'keys/plus+eq=&amp;<x>',
  'keys/q?x#y',
  "keys/tilde~(paren)'!*",
  'keys/quote"back\\slash',
  'keys/tab\tnewline\nreturn\rend',
  'keys/@$,;[]{}|^`',
]

/** Keys that only a server which does not take them for paths keeps apart. */
const HOSTILE = [
  '/leading',
  'dbl//slash',
  'dir',
  'dir/child',
  'trail/',
  'trail//',
  'dot/./x',
  'dot/../x',
  '../../../../etc/passwd',
  '..',
  '.',
  '/',
  '//',
  'a/../../b',
  'control\u0001\u001f\u007f',
  'x'.repeat(1024),
  'é'.repeat(512),
  'CON',
  'e\u0301',
  '\u00e9',
  '\uffff',
  '\u{10000}',
]

export const keyCases: readonly ContractCase[] = [
  {
    name: 'odd keys are kept exactly',
    async run(t, { s3 }) {
      for (const key of ODD) {
        t.equal((await s3.put(key, `content of ${key}`)).outcome, '200', JSON.stringify(key))
        t.equal((await s3.get(key)).text, `content of ${key}`, JSON.stringify(key))
      }
      const listed = [...(await s3.list({ prefix: 'keys/' })).elements('Key'), ODD[0]]
      t.same(listed.sort(), [...ODD].sort())
    },
  },
  {
    name: 'hostile keys are kept exactly and apart',
    exception: 'keys-as-paths',
    async run(t, { s3 }) {
      for (const key of HOSTILE)
        t.equal((await s3.put(key, `content of ${key}`)).outcome, '200', JSON.stringify(key))
      for (const key of HOSTILE) t.equal((await s3.get(key)).text, `content of ${key}`, JSON.stringify(key))
      const answer = await s3.list({ 'encoding-type': 'url' })
      const listed = answer.elements('Key').map(key => decodeURIComponent(key.replaceAll('+', ' ')))
      t.same(
        HOSTILE.filter(key => !listed.includes(key)),
        [],
      )
      for (const key of HOSTILE) t.equal((await s3.send('DELETE', key)).status, 204)
      for (const key of HOSTILE) t.equal((await s3.get(key)).status, 404, JSON.stringify(key))
    },
  },
  {
    name: 'a key of more than 1024 bytes is 400 KeyTooLongError',
    exception: 'key-length',
    async run(t, { s3 }) {
      const parts = Array.from({ length: 5 }, () => 'y'.repeat(200)).join('/')
      t.equal((await s3.put(parts, 'x')).outcome, '200', '1004 bytes')
      t.equal((await s3.put(`${parts}/${'y'.repeat(20)}`, 'x')).outcome, '400 KeyTooLongError', '1025 bytes')
    },
  },
]
