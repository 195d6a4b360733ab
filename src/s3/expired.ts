import { isS3Error } from './errors.js'

/** Codes of credentials that were good once, or will be: others may be there by now. */
const REFUSED = [
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'InvalidToken',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
]

/** Whether the server says that credentials have ended, or are not known. */
export function hasSurelyExpired(error: unknown): boolean {
  return isS3Error(error, ...REFUSED)
}

/** Whether an error can mean that credentials have ended: HEAD has no code that says so. */
export function mayBeExpired(error: unknown): boolean {
  if (hasSurelyExpired(error)) return true
  return isS3Error(error, 400, 403) && (error.operation === 'HeadObject' || error.operation === 'HeadBucket')
}
