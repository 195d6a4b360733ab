import { isIP } from 'node:net'

import { UsageError } from '../errors.js'

import type { S3Settings } from './settings.js'
import { parseUrl } from './url.js'

/** The address of the requests for one bucket. */
export interface Address {
  /** Scheme, host and port, as undici wants it. */
  readonly origin: string
  /** The Host header, which is signed. */
  readonly host: string
  /** The part of the path before `/key`: `/bucket`, or nothing with virtual-hosted style. */
  readonly root: string
  readonly secure: boolean
}

/** RFC 3986 encoding of one path segment or query value; stricter than encodeURIComponent, as SigV4 wants it. */
export function encodeStrict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** A key as a path: every segment encoded, slashes kept. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeStrict).join('/')
}

/** Encodes keys one after the other, as of {@link encodeKey}. Most lie beside the one before, whose directory it remembers. */
export class KeyEncoder {
  #directory = ''
  #encoded = ''

  encode(key: string): string {
    const slash = key.lastIndexOf('/') + 1
    const directory = key.slice(0, slash)
    if (directory !== this.#directory) {
      this.#encoded = encodeKey(directory)
      this.#directory = directory
    }
    return this.#encoded + encodeStrict(key.slice(slash))
  }
}

/** Whether `bucket` can be a host name label under TLS: S3's rules for new buckets, without dots. */
function isHostLabel(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)
}

/**
 * Finds the address of a bucket.
 * @throws UsageError `ENDPOINT_INVALID` when the endpoint is no http(s) URL without a path
 */
export function addressOf(settings: S3Settings): Address {
  const { endpoint, region, bucket } = settings
  const url = parse(endpoint ?? `https://s3.${region}.${domainOf(region)}`)
  const amazon = endpoint === undefined || /\.amazonaws\.(com|com\.cn|eu)$/.test(url.hostname)
  const literal = isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0
  const virtual = settings.pathStyle === undefined ? amazon : !settings.pathStyle
  const secure = url.protocol === 'https:'
  if (!virtual || literal || !isHostLabel(bucket)) {
    return { origin: url.origin, host: url.host, root: `/${encodeStrict(bucket)}`, secure }
  }
  return { origin: `${url.protocol}//${bucket}.${url.host}`, host: `${bucket}.${url.host}`, root: '', secure }
}

/** China and the European Sovereign Cloud are apart from the rest of Amazon. */
function domainOf(region: string): string {
  if (region.startsWith('cn-')) return 'amazonaws.com.cn'
  return region.startsWith('eusc-') ? 'amazonaws.eu' : 'amazonaws.com'
}

function parse(endpoint: string): URL {
  const url = parseUrl(endpoint)
  const plain =
    url !== undefined && (url.pathname === '/' || url.pathname === '') && url.search === '' && url.hash === ''
  if (url === undefined || !plain || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new UsageError(
      'ENDPOINT_INVALID',
      `--endpoint-url ${JSON.stringify(endpoint.replace(/\/\/[^/@]*@/, '//'))} is not a server address: give scheme, host and port only, e.g. https://s3.example.com:9000`,
    )
  }
  return url
}
