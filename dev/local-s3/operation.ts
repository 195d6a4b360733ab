/** What a request asks for, under Amazon's API name; `NotImplemented` is everything the server does not offer. */
export type Operation =
  | 'ListBuckets'
  | 'HeadBucket'
  | 'CreateBucket'
  | 'DeleteBucket'
  | 'GetBucketLocation'
  | 'GetBucketPolicy'
  | 'GetBucketVersioning'
  | 'GetBucketLifecycleConfiguration'
  | 'GetBucketEncryption'
  | 'GetBucketPolicyStatus'
  | 'GetObjectLockConfiguration'
  | 'GetPublicAccessBlock'
  | 'ListObjects'
  | 'ListObjectsV2'
  | 'ListMultipartUploads'
  | 'DeleteObjects'
  | 'PutObject'
  | 'CopyObject'
  | 'GetObject'
  | 'HeadObject'
  | 'GetObjectAttributes'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'MethodNotAllowed'
  | 'NotImplemented'

/** Sub-resources of Amazon's that exist but are not offered here. */
const FOREIGN = new Set(
  `accelerate acl analytics cors encryption intelligent-tiering inventory legal-hold lifecycle logging metadataTable
  metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock rename replication
  requestPayment restore retention select tagging torrent versioning versions website`.split(/\s+/),
)

/** The part of a request that decides which operation it is. */
export interface Addressed {
  readonly method: string
  readonly bucket: string
  readonly key: string
  has(parameter: string): boolean
  header(name: string): string | undefined
  readonly parameters: readonly (readonly [string, string])[]
}

/** Settings of a bucket that can be asked for, by their sub-resource. */
const SETTINGS: Readonly<Record<string, Operation>> = {
  policy: 'GetBucketPolicy',
  versioning: 'GetBucketVersioning',
  lifecycle: 'GetBucketLifecycleConfiguration',
  encryption: 'GetBucketEncryption',
  policyStatus: 'GetBucketPolicyStatus',
  'object-lock': 'GetObjectLockConfiguration',
  publicAccessBlock: 'GetPublicAccessBlock',
}

/** The setting that a request asks for, where it asks for nothing else. */
function settingOperation({ method, key, parameters }: Addressed): Operation | undefined {
  const [[name] = [''], ...more] = parameters.filter(([parameter]) => FOREIGN.has(parameter))
  return method === 'GET' && key === '' && more.length === 0 ? SETTINGS[name] : undefined
}

function bucketOperation(request: Addressed): Operation {
  switch (request.method) {
    case 'GET':
      if (request.has('location')) return 'GetBucketLocation'
      if (request.has('uploads')) return 'ListMultipartUploads'
      return request.parameters.some(([name, value]) => name === 'list-type' && value === '2')
        ? 'ListObjectsV2'
        : 'ListObjects'
    case 'HEAD':
      return 'HeadBucket'
    case 'PUT':
      return 'CreateBucket'
    case 'DELETE':
      return 'DeleteBucket'
    case 'POST':
      return request.has('delete') ? 'DeleteObjects' : 'NotImplemented'
    default:
      return 'MethodNotAllowed'
  }
}

function objectOperation(request: Addressed): Operation {
  const inUpload = request.has('uploadId')
  switch (request.method) {
    case 'GET':
      if (inUpload) return 'ListParts'
      return request.has('attributes') ? 'GetObjectAttributes' : 'GetObject'
    case 'HEAD':
      return 'HeadObject'
    case 'PUT': {
      const copies = request.header('x-amz-copy-source') !== undefined
      if (inUpload || request.has('partNumber')) return copies ? 'UploadPartCopy' : 'UploadPart'
      return copies ? 'CopyObject' : 'PutObject'
    }
    case 'POST':
      if (request.has('uploads')) return 'CreateMultipartUpload'
      return inUpload ? 'CompleteMultipartUpload' : 'NotImplemented'
    case 'DELETE':
      return inUpload ? 'AbortMultipartUpload' : 'DeleteObject'
    default:
      return 'MethodNotAllowed'
  }
}

/** Names the operation of a request. */
export function operationOf(request: Addressed): Operation {
  if (request.bucket === '') return request.method === 'GET' ? 'ListBuckets' : 'MethodNotAllowed'
  const setting = settingOperation(request)
  if (setting !== undefined) return setting
  const operation = request.key === '' ? bucketOperation(request) : objectOperation(request)
  return request.parameters.some(([name]) => FOREIGN.has(name)) ? 'NotImplemented' : operation
}
