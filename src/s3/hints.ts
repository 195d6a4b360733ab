import type { S3Settings } from './settings.js'

/** The part of a failure that decides how it is put. */
interface Told {
  readonly operation: string
  readonly status: number
  readonly s3Code: string
  readonly region?: string | undefined
}

const BODY_LIMIT =
  'a proxy in front of the server limits the size of a request: raise its limit (client_max_body_size in nginx) above 5 MiB, ' +
  'and give --max-upload-size and --multipart-chunk-size in MB below it'

/** One line for an error answer: the operation, what the server said, and how to mend it where that is known. */
export function messageFor(
  failure: Told,
  said: string,
  settings: S3Settings,
  clockOffset: number | undefined,
): string {
  const hint = hintFor(failure, settings, clockOffset)
  const answer = `${failure.operation}: ${failure.status} ${failure.s3Code}`
  // The server's own sentence says the same, less exactly.
  const isSaid = said === '' || (failure.s3Code === 'NoSuchBucket' && hint !== undefined)
  const what = isSaid ? answer : `${answer}: ${oneLine(said)}`
  return hint === undefined ? what : `${what}; ${hint}`
}

function hintFor(failure: Told, settings: S3Settings, clockOffset: number | undefined): string | undefined {
  const { bucket, region } = settings
  // No S3 server has such a limit below the 5 GiB of one request, for which it says EntityTooLarge.
  if (failure.status === 413) return BODY_LIMIT
  switch (failure.s3Code) {
    case 'InvalidAccessKeyId':
      return 'the server does not know this access key: check -k, AWS_ACCESS_KEY_ID or aws_key'
    case 'SignatureDoesNotMatch':
      return 'the secret key does not fit the access key: check -s, AWS_SECRET_ACCESS_KEY or aws_secret'
    case 'InvalidToken':
    case 'ExpiredToken':
      return 'the session token is not valid (any more): check --aws-token or AWS_SESSION_TOKEN'
    case 'RequestTimeTooSkewed':
      return `${skew(clockOffset)}: set it right (NTP)`
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'IllegalLocationConstraintException':
    case 'InvalidLocationConstraint':
      return failure.region === undefined || failure.region === region
        ? `is ${region} the bucket's region? Give it with --aws-region`
        : `bucket ${bucket} is in ${failure.region}: use --aws-region ${failure.region}`
    case 'TemporaryRedirect':
      return 'the server sends the request elsewhere, more than once or without saying where: check --endpoint-url'
    case 'NoSuchBucket':
      return `bucket ${bucket} does not exist: check its name`
    case 'AccessDenied':
    case 'Forbidden':
      // It is sent only where HEAD says that there is no such bucket.
      if (failure.operation === 'CreateBucket')
        return `bucket ${bucket} does not exist, and these credentials may not create it: check its name`
      return failure.operation === 'HeadBucket' || failure.operation === 'ListObjectsV2'
        ? `these credentials may not list bucket ${bucket} (s3:ListBucket)`
        : `these credentials may not do this in bucket ${bucket}`
    case 'BucketAlreadyExists':
      return `the name ${bucket} belongs to somebody else: choose another`
    default:
      return undefined
  }
}

/** By how much this machine's clock is wrong. @param clockOffset the server's clock minus ours, ms; undefined: not known */
export function skew(clockOffset: number | undefined): string {
  if (clockOffset === undefined) return "this machine's clock differs from the server's"
  const seconds = Math.round(Math.abs(clockOffset) / 1000)
  const size = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `this machine's clock is ${size} ${clockOffset > 0 ? 'behind' : 'ahead of'} the server's`
}

function oneLine(said: string): string {
  return said.replace(/\s+/g, ' ').trim().replace(/\.$/, '').slice(0, 300)
}
