import dns from 'node:dns'

import t from 'tap'

import { sign as signIndependently } from '../contract/signer.js'
import { testBucket } from '../support/bucket.js'
import { encodeKey, encodeStrict } from '../../src/s3/address.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { headObject } from '../../src/s3/object.js'
import { EMPTY_SHA256, sign } from '../../src/s3/sign.js'
import { KEYS_BEYOND_FILES, ODD_KEYS, exerciseKeys, exerciseMultipartKeys } from './odd-keys.js'
import { CREDENTIALS, clientOf, failure, settingsOf } from './support.js'

const KEYS = [...ODD_KEYS, ...KEYS_BEYOND_FILES]

await t.test('odd keys are signed, stored and listed', async t => {
  const { client } = await testBucket(t)
  t.equal(await ensureBucket(client, true), true)
  await exerciseKeys(t, client, KEYS)
  await exerciseMultipartKeys(t, client, KEYS)
})

await t.test('by virtual host as well, where a leading slash doubles', async t => {
  const { server } = await testBucket(t)
  // Not every machine knows the names below localhost.
  const { lookup } = dns
  t.teardown(() => (dns.lookup = lookup))
  dns.lookup = ((_name: string, options: object, callback: (...answer: unknown[]) => void) =>
    lookup('127.0.0.1', options, callback)) as typeof dns.lookup
  const endpoint = server.endpoint.replace('127.0.0.1', 'localhost')
  const client = clientOf(t, settingsOf(endpoint, { pathStyle: false }))
  await ensureBucket(client, true)
  await exerciseKeys(t, client, KEYS)
  t.ok(server.requests.every(request => request.headers['host']?.startsWith('bucket.localhost:')))
})

await t.test('our signature is that of an independent signer', t => {
  const host = 'bucket.s3.example.com:9000'
  const queries: (readonly [string, string])[][] = [
    [],
    [['uploads', '']],
    [
      ['prefix', "a b+c/%'()*~ü\n"],
      ['list-type', '2'],
      ['continuation-token', '1/2+3=='],
    ],
  ]
  for (const key of KEYS) {
    for (const query of queries) {
      const path = `/${encodeKey(key)}`
      const search = query.map(([name, value]) => `${name}=${encodeStrict(value)}`).join('&')
      const signed = sign(
        {
          method: 'PUT',
          host,
          path: search === '' ? path : `${path}?${search}`,
          headers: {
            'X-Amz-Meta-stat': '{"a":  1, "b": "\\u00fc"}',
            'If-None-Match': '*',
            Range: 'bytes=0-1',
          },
          payloadHash: EMPTY_SHA256,
        },
        'us-east-1',
        { ...CREDENTIALS, sessionToken: 'to/ken+==' },
      )
      const ours: Record<string, string> = {}
      for (let i = 0; i < signed.length; i += 2) ours[signed[i] ?? ''] = signed[i + 1] ?? ''
      const date = ours['X-Amz-Date'] ?? ''
      const time = Date.parse(date.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'))
      const lower = Object.fromEntries(
        Object.entries(ours)
          .filter(([name]) => name !== 'Authorization')
          .map(([name, value]) => [name.toLowerCase(), value]),
      )
      const theirs = signIndependently(
        { method: 'PUT', path, query, headers: lower, payload: EMPTY_SHA256 },
        { ...CREDENTIALS, region: 'us-east-1' },
        { skewMs: time - Date.now(), unsigned: ['range'] },
      )
      t.equal(ours['Authorization'], theirs.headers['authorization'], `${path}?${search}`)
    }
  }
  t.end()
})

await t.test('a session token is sent and signed; a wrong one is the server’s to refuse', async t => {
  const credentials = [{ ...CREDENTIALS, sessionToken: 'the/token+=' }]
  const { server } = await testBucket(t, { credentials })
  const settings = settingsOf(server.endpoint)
  const client = clientOf(t, settings, {
    credentials: () => ({ ...CREDENTIALS, sessionToken: 'the/token+=' }),
  })
  t.equal(await ensureBucket(client, true), true)
  t.equal(await headObject(client, 'nothing'), undefined)

  const wrong = clientOf(t, settings, { credentials: () => ({ ...CREDENTIALS, sessionToken: 'another' }) })
  const error = await failure(ensureBucket(wrong, false))
  t.match(error, { retry: false, message: /session token/ })
  t.notMatch(error.message, /another/)
  const without = await failure(ensureBucket(clientOf(t, settings), false))
  t.equal(without.status, 403)
})
