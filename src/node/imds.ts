import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { errorMessage, TablesnapError, UsageError } from '../errors.js'
import { parseUrl } from '../s3/url.js'

/** How long the instance metadata service is waited for, ms. */
export interface ImdsTimes {
  readonly request: number
  readonly total: number
}

/** An answer of the service that asking again will not change. */
class FinalAnswer extends Error {}

const times: ImdsTimes = { request: 1000, total: 10_000 }

function dmi(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8').trim()
  } catch {
    return ''
  }
}

/**
 * Whether this machine is an EC2 instance, as its firmware tells. Nitro and metal instances name Amazon as
 * vendor; Xen ones have `amazon` in a version, or a UUID that begins with ec2 (also with its bytes swapped).
 * @param folder what `/sys/class/dmi/id` is elsewhere
 */
export function isEc2(folder: string): boolean {
  if (['sys_vendor', 'board_vendor', 'bios_vendor'].some(name => dmi(folder, name) === 'Amazon EC2'))
    return true
  if (!/^xen/i.test(dmi(folder, 'sys_vendor'))) return false
  if (['bios_version', 'product_version'].some(name => /\.amazon$/.test(dmi(folder, name)))) return true
  return /^(?:ec2|.{4}2.ec)/i.test(dmi(folder, 'product_uuid'))
}

/** The address of the service, with the overrides that the AWS SDKs know. */
function baseUrl(env: NodeJS.ProcessEnv): URL {
  const given = env['AWS_EC2_METADATA_SERVICE_ENDPOINT']
  const mode = env['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE'] ?? ''
  const standard = mode.toLowerCase() === 'ipv6' ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254'
  if (given === undefined || given === '') return new URL(standard)
  const url = parseUrl(given)
  if (url?.protocol !== 'http:') {
    throw new UsageError(
      'SETTING_INVALID',
      'AWS_EC2_METADATA_SERVICE_ENDPOINT: not a URL that begins with http://',
    )
  }
  return url
}

function ask(
  url: URL,
  method: 'GET' | 'PUT',
  headers: Record<string, string>,
  timeout: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method, headers, agent: false, signal: AbortSignal.timeout(timeout) },
      answer => {
        const { statusCode = 0 } = answer
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (piece: string) => {
          text += piece
          if (text.length > 65_536) answer.destroy(new Error('the answer is too long'))
        })
        answer.on('error', reject)
        answer.on('end', () => {
          if (statusCode === 200) resolve(text.trim())
          else if ([400, 403, 404, 405].includes(statusCode))
            reject(new FinalAnswer(`HTTP status ${statusCode}`))
          else reject(new Error(`HTTP status ${statusCode}`))
        })
      },
    )
    asked.on('error', error => {
      reject(error.name === 'AbortError' ? new Error(`no answer within ${timeout} ms`) : error)
    })
    asked.end()
  })
}

async function launchIndexOnce(base: URL, timeout: number): Promise<string> {
  const token = await ask(
    new URL('/latest/api/token', base),
    'PUT',
    { 'X-aws-ec2-metadata-token-ttl-seconds': '60', 'Content-Length': '0' },
    timeout,
  )
  const headers = { 'X-aws-ec2-metadata-token': token }
  const index = await ask(new URL('/latest/meta-data/ami-launch-index', base), 'GET', headers, timeout)
  if (!/^\d{1,9}$/.test(index)) throw new FinalAnswer('the answer is not a number')
  return index
}

/**
 * The EC2 launch index of this instance, asked for by IMDSv2 and, after a failure, again for 10 s.
 * @throws TablesnapError `IDENTITY_UNKNOWN`: another name in place of it would be another node's data
 */
export async function launchIndex(env: NodeJS.ProcessEnv, { request: each, total } = times): Promise<string> {
  const fail = (reason: string, cause?: unknown): TablesnapError =>
    new TablesnapError({
      code: 'IDENTITY_UNKNOWN',
      message: `the EC2 launch index, which names this node, cannot be read: ${reason}; choose a name with -n NAME or --name-from fqdn`,
      cause,
    })
  if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true')
    throw fail('AWS_EC2_METADATA_DISABLED is true')
  const base = baseUrl(env)
  const end = performance.now() + total
  for (let delay = 100; ; delay *= 2) {
    try {
      return await launchIndexOnce(base, each)
    } catch (error) {
      const left = end - performance.now()
      if (error instanceof FinalAnswer || left <= 0) throw fail(errorMessage(error), error)
      await sleep(Math.min(delay, left))
    }
  }
}
