import type { Call } from './call.js'
import { xmlReply, type Reply } from './reply.js'
import { S3Error } from './s3-error.js'
import { children, childText, element, group, parseXml, xmlDocument } from './xml.js'

/** Amazon's most keys in one request. */
const MAX_KEYS = 1000

/** DeleteObjects */
export async function deleteObjects(call: Call): Promise<Reply> {
  if (!call.payload.hasIntegrity) {
    throw new S3Error(
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
  }
  const root = parseXml(await call.document(), 'Delete')
  const keys = children(root, 'Object').map(node => childText(node, 'Key') ?? '')
  if (keys.length === 0 || keys.length > MAX_KEYS || keys.includes('')) throw new S3Error('MalformedXML')
  const quiet = childText(root, 'Quiet')?.trim() === 'true'
  const { bucket } = call
  for (const key of keys) bucket.delete(key)
  const deleted = quiet ? [] : keys.map(key => group('Deleted', element('Key', key)))
  return xmlReply(xmlDocument('DeleteResult', ...deleted))
}
