import type { Operation } from './operation.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'

/** One statement of a policy document of IAM, as far as it is understood here. */
export interface PolicyStatement {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  /** ARNs of buckets and objects; `*` stands for any text. */
  readonly Resource: readonly string[]
  /** The prefix that a LIST must have. */
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } }
}

/** A policy document of IAM. Nothing is allowed but what a statement allows. */
export interface Policy {
  readonly Statement: readonly PolicyStatement[]
}

/** The action that an operation needs on its bucket, as Amazon's service authorization reference names it. */
const ON_BUCKET: Readonly<Partial<Record<Operation, string>>> = {
  HeadBucket: 's3:ListBucket',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  CreateBucket: 's3:CreateBucket',
  DeleteBucket: 's3:DeleteBucket',
  GetBucketLocation: 's3:GetBucketLocation',
  GetBucketPolicy: 's3:GetBucketPolicy',
  GetBucketVersioning: 's3:GetBucketVersioning',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  GetBucketEncryption: 's3:GetEncryptionConfiguration',
  GetBucketPolicyStatus: 's3:GetBucketPolicyStatus',
  GetObjectLockConfiguration: 's3:GetBucketObjectLockConfiguration',
  GetPublicAccessBlock: 's3:GetBucketPublicAccessBlock',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
}

/** The action that an operation needs on its object. */
const ON_OBJECT: Readonly<Partial<Record<Operation, string>>> = {
  PutObject: 's3:PutObject',
  CopyObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  GetObjectAttributes: 's3:GetObject',
  DeleteObject: 's3:DeleteObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  ListParts: 's3:ListMultipartUploadParts',
}

const ARN = 'arn:aws:s3:::'

/** Whether a pattern, in which `*` stands for any text, is that of the text. */
function isLike(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === text
  const last = rest.pop() ?? ''
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= text.length - last.length
}

function allows(policy: Policy, action: string, resource: string, prefix: string | undefined): boolean {
  return policy.Statement.some(({ Action, Resource, Condition }) => {
    const prefixes = Condition?.StringLike['s3:prefix']
    return (
      Action.includes(action) &&
      Resource.some(pattern => isLike(pattern, `${ARN}${resource}`)) &&
      (prefixes === undefined || prefixes.some(pattern => prefix !== undefined && isLike(pattern, prefix)))
    )
  })
}

/**
 * Refuses what a policy does not allow. Of a DeleteObjects only the bucket is looked at: some of its objects have to be deletable.
 * @throws S3Error `AccessDenied`
 */
export function authorize(request: S3Request, policy: Policy): void {
  const { operation, bucket, key } = request
  const needed: [action: string, resource: string][] = []
  const onBucket = ON_BUCKET[operation]
  const onObject = ON_OBJECT[operation]
  if (onBucket !== undefined) needed.push([onBucket, bucket])
  if (onObject !== undefined) needed.push([onObject, `${bucket}/${key}`])
  const source = request.header('x-amz-copy-source')
  if (source !== undefined) needed.push(['s3:GetObject', decodeURIComponent(source.replace(/^\//, ''))])
  if (operation === 'DeleteObjects') {
    const isAllowed = policy.Statement.some(
      ({ Action, Resource }) =>
        Action.includes('s3:DeleteObject') && Resource.some(arn => arn.startsWith(`${ARN}${bucket}/`)),
    )
    if (!isAllowed) throw new S3Error('AccessDenied')
  }
  const prefix = request.parameter('prefix')
  if (!needed.every(([action, resource]) => allows(policy, action, resource, prefix)))
    throw new S3Error('AccessDenied')
}
