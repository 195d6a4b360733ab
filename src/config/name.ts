import { UsageError } from '../errors.js'

// eslint-disable-next-line no-control-regex -- control characters are what it is about
const control = /[\x00-\x1f\x7f]/

/**
 * Checks a node's name for what would make its keys ambiguous.
 * @throws UsageError `NAME_INVALID`
 */
export function checkName(name: string, separator: string): void {
  const invalid = (reason: string): UsageError =>
    new UsageError('NAME_INVALID', `the node's name ${JSON.stringify(name)} ${reason}`)
  if (name === '') throw invalid('is empty')
  if (control.test(name)) throw invalid('contains control characters')
  if (name.includes('/')) throw invalid('contains a /; give what stands before it by --prefix')
  if (name === '.' || name === '..') throw invalid('means a directory')
  if (separator !== '' && name.includes(separator)) {
    throw invalid(`contains the separator "${separator}"; choose another by --keyname-separator`)
  }
}
