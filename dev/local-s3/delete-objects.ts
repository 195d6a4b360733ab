import type { Call } from './call.js'
import { xmlReply, type Reply } from './reply.js'
import { S3Error } from './s3-error.js'
import { children, childText, element, group, parseXml, xmlDocument } from './xml.js'

/** Amazon's most keys in one request. */
const MAX_KEYS = 1000

/** DeleteObjects; an ETag beside a key is a condition, which holds nothing back where there is no object. */
export async function deleteObjects(call: Call): Promise<Reply> {
  if (!call.payload.hasIntegrity) {
    throw new S3Error(
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
  }
  const root = parseXml(await call.document(), 'Delete')
  const nodes = children(root, 'Object')
  const keys = nodes.map(node => childText(node, 'Key') ?? '')
  if (keys.length === 0 || keys.length > MAX_KEYS || keys.includes('')) throw new S3Error('MalformedXML')
  const quiet = childText(root, 'Quiet')?.trim() === 'true'
  const results = nodes.map((node, index) => {
    const key = keys[index] ?? ''
    const etag = childText(node, 'ETag')?.replace(/^"|"$/g, '')
    const existing = call.bucket.objects.get(key)
    if (existing !== undefined && etag !== undefined && etag !== existing.etag) {
      const { code, message } = new S3Error('PreconditionFailed')
      return group('Error', element('Key', key), element('Code', code), element('Message', message))
    }
    call.bucket.delete(key)
    return quiet ? '' : group('Deleted', element('Key', key))
  })
  return xmlReply(xmlDocument('DeleteResult', ...results))
}
