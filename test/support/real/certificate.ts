import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A self-signed certificate for an IP address, made by openssl in `directory`; valid for a day. */
export async function selfSigned(directory: string, address: string): Promise<Certificate> {
  const cert = join(directory, 'cert.pem')
  const key = join(directory, 'key.pem')
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=tablesnap test', '-addext', `subjectAltName=IP:${address}`],
    ...['-out', cert, '-keyout', key],
  ])
  return { cert, key }
}
