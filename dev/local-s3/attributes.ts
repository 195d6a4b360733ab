import type { Attributes } from './record.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'

/** System-defined metadata that comes back as it was sent. */
const KEPT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]
const STORAGE_CLASSES = new Set(
  'STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER GLACIER_IR DEEP_ARCHIVE'.split(
    ' ',
  ),
)
/** Classes whose objects cannot be read without a restore. */
const ARCHIVED = new Set(['GLACIER', 'DEEP_ARCHIVE'])
/** Amazon's limit on the names and values of user-defined metadata, in bytes. */
const MAX_METADATA = 2048
/** ACLs that a bucket whose owner owns everything still accepts. */
const HARMLESS_ACLS = new Set(['private', 'bucket-owner-full-control'])
const META = 'x-amz-meta-'
const SSE = 'x-amz-server-side-encryption'

function keptHeaders(request: S3Request): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'binary/octet-stream' }
  let metadata = 0
  for (const [name, value] of request.headers) {
    if (KEPT.includes(name)) headers[name] = value
    if (!name.startsWith(META)) continue
    metadata += name.length - META.length + value.length
    headers[name] = value
  }
  if (metadata > MAX_METADATA) {
    throw new S3Error('MetadataTooLarge', undefined, {
      Size: String(metadata),
      MaxSizeAllowed: String(MAX_METADATA),
    })
  }
  const encodings = (headers['content-encoding'] ?? '').split(',').map(encoding => encoding.trim())
  delete headers['content-encoding']
  const left = encodings.filter(encoding => encoding !== '' && encoding !== 'aws-chunked')
  if (left.length > 0) headers['content-encoding'] = left.join(',')
  return headers
}

function encryptionOf(request: S3Request): Pick<Attributes, 'encryption' | 'kmsKeyId'> {
  const encryption = request.header(SSE)
  const keyId = request.header(`${SSE}-aws-kms-key-id`)
  if (request.header(`${SSE}-customer-algorithm`) !== undefined) throw new S3Error('NotImplemented')
  if (encryption === 'aws:kms' || encryption === 'aws:kms:dsse') {
    return { encryption, kmsKeyId: keyId ?? 'arn:aws:kms:us-east-1:000000000000:alias/aws/s3' }
  }
  if (keyId !== undefined) {
    throw new S3Error(
      'InvalidArgument',
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    )
  }
  if (encryption === undefined) return {}
  if (encryption !== 'AES256') throw new S3Error('InvalidEncryptionAlgorithmError')
  return { encryption }
}

/**
 * What a PutObject, CopyObject or CreateMultipartUpload asks to keep beside the bytes.
 * @throws S3Error `MetadataTooLarge`, `InvalidStorageClass`, `InvalidEncryptionAlgorithmError`, `InvalidArgument`,
 * `AccessControlListNotSupported`, or `InvalidRequest` for an object lock
 */
export function attributesOf(request: S3Request): Attributes {
  const storageClass = request.header('x-amz-storage-class') ?? 'STANDARD'
  if (!STORAGE_CLASSES.has(storageClass)) {
    throw new S3Error('InvalidStorageClass', undefined, { StorageClassRequested: storageClass })
  }
  const acl = request.header('x-amz-acl')
  if (acl !== undefined && !HARMLESS_ACLS.has(acl)) throw new S3Error('AccessControlListNotSupported')
  if (request.header('x-amz-tagging') !== undefined) throw new S3Error('NotImplemented')
  for (const name of request.headers.keys()) {
    if (name.startsWith('x-amz-grant-')) throw new S3Error('AccessControlListNotSupported')
    if (name.startsWith('x-amz-object-lock-')) {
      throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
    }
  }
  return { headers: keptHeaders(request), storageClass, ...encryptionOf(request) }
}

/** The headers that tell how an object is encrypted; also answered by the writes. */
export function encryptionHeaders(attributes: Attributes): Record<string, string | undefined> {
  return { [SSE]: attributes.encryption, [`${SSE}-aws-kms-key-id`]: attributes.kmsKeyId }
}

/** The headers by which a read answers what was kept. */
export function attributeHeaders(attributes: Attributes): Record<string, string | undefined> {
  const { headers, storageClass } = attributes
  return {
    ...headers,
    ...encryptionHeaders(attributes),
    'x-amz-storage-class': storageClass === 'STANDARD' ? undefined : storageClass,
  }
}

/** @throws S3Error `InvalidObjectState` when the object's bytes are in an archive */
export function refuseArchived(attributes: Attributes): void {
  if (ARCHIVED.has(attributes.storageClass)) {
    throw new S3Error('InvalidObjectState', undefined, { StorageClass: attributes.storageClass })
  }
}

/** Whether the entity tag is the MD5 of the bytes: not so under AWS KMS. */
export function hasMd5Etag(attributes: Attributes): boolean {
  return attributes.kmsKeyId === undefined
}
