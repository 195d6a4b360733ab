import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LocalS3 } from '../../dev/local-s3/index.js'
import { BucketClient, md5 } from '../contract/bucket-client.js'
import { RawClient } from '../contract/raw-client.js'
import { start, Wire } from './support.js'

await t.test('a session token must be the credential’s own', async t => {
  const credentials = [
    { accessKeyId: 'testkey', secretAccessKey: 'testsecret' },
    { accessKeyId: 'ASIA1', secretAccessKey: 's', sessionToken: 'a/token+=' },
  ]
  const { server, s3 } = await start(t, { credentials })
  const put = async (distortion: object): Promise<string> => (await s3.put('k', 'x', { distortion })).outcome
  const temporary = { accessKeyId: 'ASIA1', secretAccessKey: 's' }
  t.equal(await put({ ...temporary, token: 'a/token+=' }), '200')
  t.equal(await put({ ...temporary, token: 'another' }), '400 InvalidToken')
  t.equal(await put(temporary), '403 InvalidAccessKeyId', 'without it')
  t.equal(await put({ token: 'a/token+=' }), '400 InvalidToken', 'with a credential that has none')
  t.ok(
    server.requests.every(
      ({ headers }) => !('authorization' in headers) && !('x-amz-security-token' in headers),
    ),
  )
})

await t.test('the clock and the region are the server’s own', async t => {
  const now = (): number => Date.parse('2030-01-02T03:04:05.678Z')
  const server = await LocalS3.start({ directory: t.testdir(), now, region: 'eu-west-1' })
  const skewMs = now() - Date.now()
  const client = new RawClient(server.endpoint, {
    accessKeyId: 'testkey',
    secretAccessKey: 'testsecret',
    region: 'eu-west-1',
  })
  const s3 = new BucketClient(client, 'bucket-1')
  const constraint = (region: string): string =>
    `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`
  const create = (body: string): ReturnType<typeof s3.send> =>
    s3.send('PUT', undefined, { body, distortion: { skewMs } })
  t.equal((await create('')).outcome, '400 IllegalLocationConstraintException')
  t.equal((await create(constraint('us-east-1'))).outcome, '400 IllegalLocationConstraintException')
  t.equal((await create(constraint('eu-west-1'))).outcome, '200')
  t.equal((await s3.put('k', 'x')).outcome, '403 RequestTimeTooSkewed')
  const put = await s3.put('k', 'x', { distortion: { skewMs } })
  t.equal(put.header('date'), 'Wed, 02 Jan 2030 03:04:05 GMT')
  const location = await s3.send('GET', undefined, { query: { location: '' }, distortion: { skewMs } })
  t.match(location.text, />eu-west-1</)
  const listed = await s3.send('GET', undefined, { query: { 'list-type': '2' }, distortion: { skewMs } })
  t.equal(listed.element('LastModified'), '2030-01-02T03:04:05.000Z')
  client.close()
  await server.close()
})

await t.test('buckets are found by host name as well', async t => {
  const { server, s3 } = await start(t, { domain: 's3.test' })
  await s3.put('a/b', 'hosted')
  const client = new RawClient(server.endpoint, s3.client.identity)
  const wire = new Wire(server)
  wire.head(client, { method: 'GET', key: 'a/b', headers: { host: 'bucket-1.s3.test:80' } })
  t.match(await wire.until(/hosted/), /200 OK/)
  wire.received = ''
  wire.head(client, { method: 'GET', query: { 'list-type': '2' }, headers: { host: 'bucket-1.s3.test' } })
  t.match(await wire.until(/<\/ListBucketResult>/), /<Key>a\/b<\/Key>/)
  wire.socket.destroy()
})

await t.test('https', async t => {
  const directory = t.testdir()
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=127.0.0.1',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  )
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  const server = await LocalS3.start({ directory, tls })
  t.match(server.endpoint, /^https:/)
  const client = new RawClient(server.endpoint, {
    accessKeyId: 'testkey',
    secretAccessKey: 'testsecret',
    region: 'us-east-1',
  })
  const agent = new Agent({ rejectUnauthorized: false })
  const status = async (
    method: string,
    name: string | undefined,
    body: string,
  ): Promise<number | undefined> => {
    const prepared = client.prepare({
      method,
      bucket: 'bucket-1',
      ...(name === undefined ? {} : { key: name }),
      body,
    })
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port,
      method,
      path: prepared.path,
      headers: prepared.headers,
      setHost: false,
      agent,
    })
    outgoing.end(prepared.body)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    answer.resume()
    return answer.statusCode
  }
  t.equal(await status('PUT', undefined, ''), 200)
  t.equal(await status('PUT', 'k', 'x'), 200)
  t.equal(await status('HEAD', 'k', ''), 200)
  const plain = new Wire(server)
  plain.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await plain.end()
  t.equal(await status('HEAD', 'k', ''), 200, 'plain http does it no harm')
  agent.destroy()
  await server.close()
})

await t.test('entity tags can be opaque, small parts allowed, uploads forgotten', async t => {
  const { s3 } = await start(t, { etags: 'opaque', minPartSize: 3, forgetUploads: true })
  const put = await s3.put('k', 'hello')
  t.match(put.header('etag'), /^"[0-9a-f]{32}"$/)
  t.not(put.header('etag'), `"${md5('hello', 'hex')}"`)
  t.equal(
    (await s3.put('k', 'x', { headers: { 'content-md5': md5('y') } })).outcome,
    '400 BadDigest',
    'still verified',
  )
  const uploadId = await s3.create('parts')
  const parts = [await s3.named('parts', uploadId, 1, 'abc'), await s3.named('parts', uploadId, 2, 'd')]
  t.equal((await s3.complete('parts', uploadId, parts)).outcome, '200')
  t.equal((await s3.complete('parts', uploadId, parts)).outcome, '404 NoSuchUpload')
})
