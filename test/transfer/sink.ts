import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * An S3 server in a process of its own that keeps nothing: it verifies nothing, repeats the checksum that it is sent, and so takes
 * files of any size without a disk.
 */
function answerTo({ method, url = '', headers }: IncomingMessage): {
  status: number
  headers?: Record<string, string>
  xml?: string
} {
  const { pathname, searchParams } = new URL(url, 'http://sink')
  const isBucket = /^\/[^/]+\/?$/.test(pathname)
  if (method === 'HEAD') return { status: isBucket ? 200 : 404 }
  if (method === 'GET' && !isBucket) return { status: 404 }
  if (method === 'GET') {
    const root = searchParams.has('uploads') ? 'ListMultipartUploadsResult' : 'ListBucketResult'
    return { status: 200, xml: `<${root}><IsTruncated>false</IsTruncated></${root}>` }
  }
  if (method === 'POST' && searchParams.has('uploads')) {
    const root = 'InitiateMultipartUploadResult'
    return { status: 200, xml: `<${root}><UploadId>upload</UploadId></${root}>` }
  }
  if (method === 'POST') {
    const root = 'CompleteMultipartUploadResult'
    return { status: 200, xml: `<${root}><ETag>"etag"</ETag></${root}>` }
  }
  const checksum = headers['x-amz-checksum-crc64nvme']
  const echoed = typeof checksum === 'string' ? { 'x-amz-checksum-crc64nvme': checksum } : {}
  return { status: 200, headers: { ETag: '"etag"', ...echoed } }
}

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const { status, headers = {}, xml = '' } = answerTo(request)
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(xml) }).end(xml)
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.on('disconnect', () => {
  server.close()
  server.closeAllConnections()
})
