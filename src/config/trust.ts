import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'

import { UsageError, errorMessage } from '../errors.js'

/**
 * The certificates that TLS trusts when a bundle is named: its own, Node's, and those of NODE_EXTRA_CA_CERTS, which Node
 * leaves out as soon as others are given. PEM.
 * @throws UsageError `CA_BUNDLE_INVALID`
 */
export function trusted(bundle: string, env: NodeJS.ProcessEnv): string[] {
  const pem = read(bundle)
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new UsageError('CA_BUNDLE_INVALID', `--ca-bundle: ${bundle} holds no certificate in PEM`)
  }
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? ''
  return [pem, ...rootCertificates, ...(extra === '' ? [] : [read(extra)])]
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(
      'CA_BUNDLE_INVALID',
      `--ca-bundle: ${path} cannot be read: ${errorMessage(error)}`,
      error,
    )
  }
}
