import t from 'tap'
import { md5 } from '../contract/bucket-client.js'
import { start, Wire } from './support.js'

const RAW = [
  'garbage\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
  'PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  'PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
  'BREW /b/k HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /b HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
]

await t.test('requests that are none are refused, and the server lives on', async t => {
  const { server, s3 } = await start(t)
  for (const text of RAW) {
    const wire = new Wire(server)
    wire.socket.write(text, 'latin1')
    wire.socket.end()
    t.match(await wire.end(), /^(HTTP\/1.1 4\d\d .*)?$/s, JSON.stringify(text.slice(0, 40)))
  }
  t.equal((await s3.put('k', 'x')).outcome, '200')
})

await t.test('documents that are none are 400 MalformedXML', async t => {
  const { s3 } = await start(t)
  const uploadId = await s3.create('k')
  const documents = [
    '',
    'text',
    '<a/>',
    '<Delete>',
    '<Delete/>',
    '<Delete><Object><Key></Key></Object></Delete>',
    '<Delete><Object/></Delete>',
    '<!DOCTYPE x [<!ENTITY e "k">]><Delete><Object><Key>&e;</Key></Object></Delete>',
    '<CompleteMultipartUpload><Part><PartNumber>one</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>',
    '<CompleteMultipartUpload><Part/></CompleteMultipartUpload>',
    `<Delete>${'<Object><Key>k</Key></Object>'.repeat(1001)}</Delete>`,
    '<Delete><__proto__>x</__proto__></Delete>',
    Buffer.from([0xff, 0xfe, 0x00]),
  ]
  for (const body of documents) {
    const shown = JSON.stringify(body.toString().slice(0, 50))
    const headers = { 'content-md5': md5(body) }
    const deleted = await s3.send('POST', undefined, { query: { delete: '' }, headers, body })
    t.equal(deleted.outcome, '400 MalformedXML', `DeleteObjects ${shown}`)
    const completed = await s3.send('POST', 'k', { query: { uploadId }, body })
    t.equal(completed.outcome, '400 MalformedXML', `Complete ${shown}`)
  }
})

await t.test('chunked bodies that are framed wrongly are refused', async t => {
  const { s3 } = await start(t)
  const framings = [
    '',
    '5',
    '5\r\nhello',
    '5\r\nhello\r\n',
    '5\r\nhello\r\n0\r\n',
    '5\nhello\n0\n\n',
    'z\r\nhello\r\n0\r\n\r\n',
    '6\r\nhello\r\n0\r\n\r\n',
    '4\r\nhello\r\n0\r\n\r\n',
    'fffffffffffffffff\r\nhello\r\n0\r\n\r\n',
    `5\r\nhello\r\n0\r\n${'x'.repeat(100_000)}`,
    '5\r\nhello\r\n0\r\nno colon\r\n\r\n',
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n',
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\nmore',
  ]
  const put = (body: string): Promise<string> =>
    s3
      .put('k', body, {
        headers: { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
        payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      })
      .then(answer => answer.outcome)
  for (const body of framings) t.match(await put(body), /^400 /, JSON.stringify(body.slice(0, 60)))
  t.notOk(await s3.exists('k'))
  t.equal(await put('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n'), '200')
})

await t.test('what is not offered says so', async t => {
  const { s3 } = await start(t)
  await s3.put('k', 'x')
  for (const name of ['acl', 'tagging', 'website', 'versions', 'retention', 'cors']) {
    t.equal((await s3.send('GET', undefined, { query: { [name]: '' } })).outcome, '501 NotImplemented', name)
    t.equal(
      (await s3.send('PUT', 'k', { query: { [name]: '' }, body: 'y' })).outcome,
      '501 NotImplemented',
      name,
    )
  }
  t.equal((await s3.get('k')).text, 'x', 'and nothing was done instead')
  t.equal((await s3.put('k', 'y', { headers: { 'x-amz-tagging': 'a=b' } })).outcome, '501 NotImplemented')
  t.equal(
    (await s3.put('k', 'y', { headers: { 'x-amz-object-lock-mode': 'GOVERNANCE' } })).outcome,
    '400 InvalidRequest',
  )
  t.equal(
    (await s3.put('k', 'y', { headers: { 'x-amz-acl': 'public-read' } })).outcome,
    '400 AccessControlListNotSupported',
  )
  t.equal((await s3.put('k', 'y', { headers: { 'x-amz-acl': 'bucket-owner-full-control' } })).outcome, '200')
  t.equal((await s3.send('POST', 'k')).outcome, '501 NotImplemented')
})
