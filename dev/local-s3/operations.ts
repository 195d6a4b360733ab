import * as buckets from './bucket-operations.js'
import type { Call } from './call.js'
import { completeMultipartUpload } from './complete.js'
import { copyObject, uploadPartCopy } from './copy.js'
import { deleteObjects } from './delete-objects.js'
import { listObjects, listObjectsV2 } from './listing.js'
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './multipart.js'
import { getObject, getObjectAttributes, headObject } from './object-read.js'
import { deleteObject, putObject } from './object-write.js'
import type { Operation } from './operation.js'
import type { Reply } from './reply.js'
import { S3Error, type S3ErrorCode } from './s3-error.js'
import { listMultipartUploads, listParts } from './upload-lists.js'

type Handler = (call: Call) => Reply | Promise<Reply>

function refuse(code: 'NotImplemented' | 'MethodNotAllowed'): Handler {
  return () => {
    throw new S3Error(code)
  }
}

/** A setting that no bucket ever has. */
function absent(code: S3ErrorCode): Handler {
  return call => {
    throw new S3Error(code, undefined, { BucketName: call.bucket.name })
  }
}

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  ListBuckets: buckets.listBuckets,
  HeadBucket: buckets.headBucket,
  CreateBucket: buckets.createBucket,
  DeleteBucket: buckets.deleteBucket,
  GetBucketLocation: buckets.getBucketLocation,
  GetBucketPolicy: buckets.getBucketPolicy,
  GetBucketVersioning: buckets.getBucketVersioning,
  GetBucketLifecycleConfiguration: absent('NoSuchLifecycleConfiguration'),
  GetBucketEncryption: buckets.getBucketEncryption,
  GetBucketPolicyStatus: absent('NoSuchBucketPolicy'),
  GetObjectLockConfiguration: absent('ObjectLockConfigurationNotFoundError'),
  GetPublicAccessBlock: absent('NoSuchPublicAccessBlockConfiguration'),
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: getObject,
  HeadObject: headObject,
  GetObjectAttributes: getObjectAttributes,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
  MethodNotAllowed: refuse('MethodNotAllowed'),
  NotImplemented: refuse('NotImplemented'),
}

/** Operations whose handler reads the body itself. */
const READS_BODY = new Set<Operation>([
  'PutObject',
  'UploadPart',
  'CompleteMultipartUpload',
  'DeleteObjects',
  'CreateBucket',
])

/**
 * Does what an authenticated request asks for.
 * @throws S3Error for every refusal
 */
export async function perform(call: Call): Promise<Reply> {
  const { operation } = call.request
  // A body that nobody asked for still has to be what its headers say.
  if (!READS_BODY.has(operation)) await call.document()
  return HANDLERS[operation](call)
}
