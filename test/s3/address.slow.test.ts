import t from 'tap'

import { KeyEncoder, addressOf, encodeKey } from '../../src/s3/address.js'
import type { S3Settings } from '../../src/s3/settings.js'

function of(settings: Partial<S3Settings>): string {
  const address = addressOf({
    endpoint: undefined,
    region: 'us-east-1',
    pathStyle: undefined,
    bucket: 'my-bucket',
    ...settings,
  })
  const url = new URL(address.origin)
  t.equal(address.host, url.host, 'the signed Host is that of the origin')
  t.equal(address.secure, url.protocol === 'https:')
  return `${address.origin}${address.root}`
}

await t.test('Amazon is addressed by virtual host, in its region', t => {
  for (const [region, expected] of [
    ['us-east-1', 'https://my-bucket.s3.us-east-1.amazonaws.com'],
    ['eu-central-1', 'https://my-bucket.s3.eu-central-1.amazonaws.com'],
    ['us-gov-west-1', 'https://my-bucket.s3.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'https://my-bucket.s3.cn-north-1.amazonaws.com.cn'],
    ['eusc-de-east-1', 'https://my-bucket.s3.eusc-de-east-1.amazonaws.eu'],
  ] as const) {
    t.equal(of({ region }), expected)
  }
  t.end()
})

await t.test('a bucket that is no host name label is addressed by path', t => {
  for (const bucket of ['with.dots', 'Upper', 'under_score', 'ab', '-a-b', 'a'.repeat(64)]) {
    t.equal(of({ bucket }), `https://s3.us-east-1.amazonaws.com/${bucket}`)
  }
  t.equal(of({ bucket: 'a b/c' }), 'https://s3.us-east-1.amazonaws.com/a%20b%2Fc')
  t.end()
})

await t.test('an endpoint is addressed by path, unless it is Amazon’s or told otherwise', t => {
  for (const [endpoint, pathStyle, expected] of [
    ['http://localhost:9000', undefined, 'http://localhost:9000/my-bucket'],
    ['http://localhost:9000/', undefined, 'http://localhost:9000/my-bucket'],
    ['https://S3.Example.COM:443', undefined, 'https://s3.example.com/my-bucket'],
    ['http://s3.example.com:80', false, 'http://my-bucket.s3.example.com'],
    ['https://s3.example.com:8443', false, 'https://my-bucket.s3.example.com:8443'],
    ['https://s3.eu-west-1.amazonaws.com', undefined, 'https://my-bucket.s3.eu-west-1.amazonaws.com'],
    ['https://s3.cn-north-1.amazonaws.com.cn', undefined, 'https://my-bucket.s3.cn-north-1.amazonaws.com.cn'],
    ['https://s3.eu-west-1.amazonaws.com', true, 'https://s3.eu-west-1.amazonaws.com/my-bucket'],
    ['https://amazonaws.com.example.org', undefined, 'https://amazonaws.com.example.org/my-bucket'],
    ['http://127.0.0.1:7000', false, 'http://127.0.0.1:7000/my-bucket'],
    ['http://[::1]:9000', undefined, 'http://[::1]:9000/my-bucket'],
    ['http://[fd00::A:1]:9000', false, 'http://[fd00::a:1]:9000/my-bucket'],
  ] as const) {
    t.equal(of({ endpoint, pathStyle }), expected)
  }
  t.end()
})

await t.test('what is no server address is refused, without its password', t => {
  for (const endpoint of [
    '',
    'localhost:9000',
    's3.example.com',
    'ftp://s3.example.com',
    'http://s3.example.com/path',
    'http://s3.example.com?x=1',
    'http://s3.example.com#x',
    'http://user:secret@s3.example.com',
    'http://',
    'http://s3.example.com:99999',
  ]) {
    t.throws(() => of({ endpoint }), { code: 'ENDPOINT_INVALID', exitCode: 2 }, endpoint)
  }
  t.throws(() => of({ endpoint: 'http://user:secret@s3.example.com' }), {
    message: /^(?!.*secret)/,
  })
  t.end()
})

await t.test('keys are encoded strictly, segment by segment', t => {
  t.equal(encodeKey('a/b.c-d_e~f'), 'a/b.c-d_e~f')
  t.equal(
    encodeKey("node:/p//q/./../x !'()*+,;=@$&?#%"),
    'node%3A/p//q/./../x%20%21%27%28%29%2A%2B%2C%3B%3D%40%24%26%3F%23%25',
  )
  t.equal(encodeKey('ü\n\t\u{1F600}'), '%C3%BC%0A%09%F0%9F%98%80')
  t.end()
})

await t.test('keys of several directories, one after the other, are encoded as each alone', t => {
  const encoder = new KeyEncoder()
  for (const key of ['a b/c', 'a b/d', 'a b/c', 'a b/c/d', 'a b/', 'e', 'f ü', '', '/g', 'a b/c'])
    t.equal(encoder.encode(key), encodeKey(key), key)
  t.end()
})
