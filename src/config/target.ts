import { resolve } from 'node:path'
import { UsageError } from '../errors.js'

// eslint-disable-next-line no-control-regex -- control characters are what it is about
const blank = /[\s\x00-\x1f\x7f]/

/**
 * Checks a bucket's name for what no server takes.
 * @returns a warning when the name breaks Amazon's rules, which old buckets and other servers may do
 * @throws UsageError `BUCKET_INVALID`
 */
export function checkBucket(bucket: string): string | undefined {
  // The text is mostly not repeated: arguments in the wrong order may make a secret of it.
  const invalid = (reason: string): UsageError => new UsageError('BUCKET_INVALID', reason)
  const url = /^s3:\/\/([^/\s]+)(.*)$/i.exec(bucket)
  if (url !== null) {
    const prefix = (url[2] ?? '').replace(/^\/+/, '')
    const advice = prefix === '' ? '' : `, and --prefix ${prefix} for what follows it`
    throw invalid(
      `the bucket is given by its name alone: ${url[1] ?? ''} instead of s3://${url[1] ?? ''}/${advice}`,
    )
  }
  if (bucket === '') throw invalid("the bucket's name is empty")
  if (/^https?:\/\//i.test(bucket)) {
    throw invalid('the bucket is given by its name alone; a server by --endpoint-url')
  }
  if (bucket.startsWith('/')) throw invalid('the first argument is a path; the bucket comes before the paths')
  if (bucket.includes('/')) throw invalid("the bucket's name (the first argument) contains a /")
  if (blank.test(bucket)) {
    throw invalid("the bucket's name (the first argument) contains blanks or control characters")
  }
  if (/^\.{1,2}$/.test(bucket)) throw invalid("the bucket's name cannot be . or ..")
  if (/^(?!\d+(?:\.\d+){3}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return undefined
  return (
    `the bucket's name "${bucket}" breaks Amazon's rules (3 to 63 lower-case letters, digits, - and .); ` +
    'old buckets and other servers may have such names'
  )
}

/**
 * A path to watch, back up or restore to, made absolute, without a trailing slash.
 * @throws UsageError `PATH_INVALID`
 */
export function absolutePath(path: string, cwd: string): string {
  if (path === '') throw new UsageError('PATH_INVALID', 'a path is empty')
  if (path.includes('\0')) throw new UsageError('PATH_INVALID', 'a path contains a NUL character')
  return resolve(cwd, path)
}
