import type { Call } from './call.js'
import { emptyReply, xmlReply, type Reply } from './reply.js'
import { S3Error } from './s3-error.js'
import { childText, element, group, isoTime, optional, parseXml, xmlDocument } from './xml.js'

/** The region whose buckets have no location constraint. */
const DEFAULT_REGION = 'us-east-1'
const OWNER = group('Owner', element('ID', 'local'), element('DisplayName', 'local'))

/** ListBuckets */
export function listBuckets(call: Call): Reply {
  const prefix = call.request.parameter('prefix') ?? ''
  const buckets = call.store.list().filter(bucket => bucket.name.startsWith(prefix))
  const entries = buckets.map(bucket =>
    group('Bucket', element('Name', bucket.name), element('CreationDate', isoTime(bucket.created))),
  )
  return xmlReply(xmlDocument('ListAllMyBucketsResult', OWNER, group('Buckets', ...entries)))
}

/** HeadBucket */
export function headBucket(call: Call): Reply {
  call.requireBucket()
  return emptyReply(200, { 'x-amz-bucket-region': call.settings.region })
}

/** CreateBucket; buckets of another region are refused, as an endpoint of one region does. */
export async function createBucket(call: Call): Promise<Reply> {
  const text = await call.document()
  if (call.request.header('x-amz-bucket-object-lock-enabled') === 'true') throw new S3Error('NotImplemented')
  const { region } = call.settings
  let asked: string | undefined
  if (text.trim() !== '')
    asked = childText(parseXml(text, 'CreateBucketConfiguration'), 'LocationConstraint')?.trim()
  if (asked === '') asked = undefined
  if (region === DEFAULT_REGION) {
    if (asked !== undefined)
      throw new S3Error('InvalidLocationConstraint', undefined, { LocationConstraint: asked })
  } else if (asked !== region) {
    throw new S3Error(
      'IllegalLocationConstraintException',
      `The ${asked ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    )
  }
  call.store.create(call.request.bucket, call.time)
  return emptyReply(200, { Location: `/${call.request.bucket}` })
}

/** DeleteBucket */
export function deleteBucket(call: Call): Reply {
  call.store.delete(call.request.bucket)
  return emptyReply(204)
}

/** GetBucketLocation */
export function getBucketLocation(call: Call): Reply {
  call.requireBucket()
  const { region } = call.settings
  return xmlReply(xmlDocument('LocationConstraint', region === DEFAULT_REGION ? '' : region))
}

/** GetBucketPolicy: there never is one. */
export function getBucketPolicy(call: Call): Reply {
  throw new S3Error('NoSuchBucketPolicy', undefined, { BucketName: call.bucket.name })
}

/** GetBucketVersioning: never configured. */
export function getBucketVersioning(call: Call): Reply {
  call.requireBucket()
  return xmlReply(xmlDocument('VersioningConfiguration', optional('Status', undefined)))
}

/** GetBucketEncryption: as Amazon encrypts every bucket. */
export function getBucketEncryption(call: Call): Reply {
  call.requireBucket()
  const by = group('ApplyServerSideEncryptionByDefault', element('SSEAlgorithm', 'AES256'))
  return xmlReply(xmlDocument('ServerSideEncryptionConfiguration', group('Rule', by)))
}
