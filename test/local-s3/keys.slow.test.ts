import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { md5 } from '../contract/bucket-client.js'
import { filesBelow, start, Wire } from './support.js'

const HOSTILE = [
  '../../../x',
  '..',
  '.',
  '/',
  '//a',
  '/etc/passwd',
  'a',
  'a/b',
  'a/',
  '\u0000',
  'x\ny',
  '%2e%2e/%2e%2e',
  '\\..\\x',
]

await t.test('no key leaves the directory, and none becomes a name in it', async t => {
  const parent = t.testdir({ inside: {} })
  const { s3 } = await start(t, { directory: join(parent, 'inside') })
  for (const key of HOSTILE)
    t.equal((await s3.put(key, `content of ${key}`)).outcome, '200', JSON.stringify(key))
  for (const key of HOSTILE) t.equal((await s3.get(key)).text, `content of ${key}`, JSON.stringify(key))
  t.same(readdirSync(parent), ['inside'])
  for (const file of filesBelow(join(parent, 'inside'))) {
    t.match(file, /^buckets\/bucket-1\/(bucket\.json|data\/[0-9a-f]{32}|objects\/[0-9a-f]{64}\.json)$/)
  }
})

await t.test('DeleteObjects finds the key that was meant, whatever its characters', async t => {
  const { s3 } = await start(t)
  const keys = [
    'a\u0001b',
    'ab',
    ' a b ',
    ' ',
    '\r\n\t',
    '1e5',
    '0x10',
    'true',
    '&amp;',
    '&#49;',
    'a<b>"\'',
    '\u{1f600}',
  ]
  for (const key of keys) await s3.put(key, 'x')
  for (const key of keys) {
    const escaped = Array.from(key, char => `&#x${(char.codePointAt(0) ?? 0).toString(16)};`).join('')
    const body = `<Delete>\n  <Object>\n    <Key>${escaped}</Key>\n  </Object>\n</Delete>`
    await s3.send('POST', undefined, { query: { delete: '' }, headers: { 'content-md5': md5(body) }, body })
    t.notOk(await s3.exists(key), JSON.stringify(key))
    t.equal((await s3.list()).elements('Key').length, keys.length - keys.indexOf(key) - 1)
  }
})

await t.test('no bucket name leaves the directory', async t => {
  const parent = t.testdir({ inside: {} })
  const { s3 } = await start(t, { directory: join(parent, 'inside') })
  for (const bucket of ['..', '.', '...', 'a..b', '127.0.0.1', 'x', 'UPPER', 'a_b', 'a'.repeat(64)]) {
    const created = await s3.client.send({ method: 'PUT', bucket })
    t.equal(created.status, 400, bucket)
    t.match(
      (await s3.client.send({ method: 'PUT', bucket, key: 'k', body: 'x' })).outcome,
      /^40[04] /,
      bucket,
    )
  }
  t.same(readdirSync(join(parent, 'inside', 'buckets')), ['bucket-1'])
})

await t.test('a target that is no UTF-8 or no encoding is 400 InvalidURI', async t => {
  const { server } = await start(t)
  for (const target of [
    '/bucket-1/%ff',
    '/bucket-1/%zz',
    '/bucket-1/%',
    '/bucket-1/k?prefix=%e9',
    '/bucket-1/\xe9',
    '/%c0%ae%c0%ae/',
  ]) {
    const wire = new Wire(server)
    wire.socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1')
    t.match(await wire.until(/<\/Error>|400/), /400 /, target)
    wire.socket.destroy()
  }
})
