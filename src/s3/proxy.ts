import { request } from 'node:http'
import type { Socket } from 'node:net'

import { UsageError } from '../errors.js'

import type { ProxySettings } from './settings.js'
import { parseUrl } from './url.js'

/** Names the variables that are read, the lower-case one first, as curl and boto do. */
const VARIABLES = { http: ['http_proxy'], https: ['https_proxy', 'HTTPS_PROXY'] } as const

/** The proxies that the environment names. HTTP_PROXY in capitals is left out, as in curl: a CGI's client could set it. */
export function proxiesOf(env: NodeJS.ProcessEnv): ProxySettings | undefined {
  const first = (names: readonly string[]): string | undefined =>
    names.map(name => env[name]).find(text => text !== undefined && text !== '')
  const all = ['all_proxy', 'ALL_PROXY']
  const http = first([...VARIABLES.http, ...all])
  const https = first([...VARIABLES.https, ...all])
  const no = first(['no_proxy', 'NO_PROXY'])
  return http === undefined && https === undefined ? undefined : { http, https, no }
}

/** A proxy on the way to the server. */
export interface Proxy {
  readonly url: URL
  /** `Proxy-Authorization`, where the address holds a user. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The proxy for an origin; undefined when there is none for it.
 * @throws UsageError `PROXY_INVALID`
 */
export function proxyFor(origin: string, settings: ProxySettings | undefined): Proxy | undefined {
  const { protocol, hostname, port } = new URL(origin)
  const secure = protocol === 'https:'
  const text = secure ? settings?.https : settings?.http
  if (text === undefined || isExempt(hostname, port || (secure ? '443' : '80'), settings?.no ?? ''))
    return undefined
  const address = text.includes('://') ? text : `http://${text}`
  const url = parseUrl(address)
  const user = url === undefined ? undefined : userOf(url)
  if (url?.protocol !== 'http:' || user === undefined) {
    const shown = text.replace(/\/\/[^/@]*@/, '//')
    throw new UsageError(
      'PROXY_INVALID',
      `${secure ? 'https_proxy' : 'http_proxy'}: ${JSON.stringify(shown)} is no address of an http proxy, such as http://proxy.example.com:3128`,
    )
  }
  const credentials = Buffer.from(user).toString('base64')
  return { url, headers: url.username === '' ? {} : { 'Proxy-Authorization': `Basic ${credentials}` } }
}

/** User and password of an address; undefined where what is encoded in them is no UTF-8. */
function userOf({ username, password }: URL): string | undefined {
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  } catch {
    return undefined
  }
}

/** Whether NO_PROXY names a host: `*`, a name, one with all below it (with or without a dot before), each with or without a port. */
function isExempt(hostname: string, port: string, no: string): boolean {
  return no
    .split(/[\s,]+/)
    .filter(entry => entry !== '')
    .some(entry => {
      if (entry === '*') return true
      const [, name = '', onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
      const bare = name.replace(/^\*?\./, '')
      if (onlyPort !== undefined && onlyPort !== port) return false
      return hostname === bare || hostname.endsWith(`.${bare}`)
    })
}

/** Opens a way through a proxy to a server that speaks TLS. Rejects with a system's error, or one with code `PROXY_REFUSED`. */
export function tunnel({ url, headers }: Proxy, target: string, timeout: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: url.hostname,
      port: url.port || 80,
      method: 'CONNECT',
      path: target,
      headers: { Host: target, ...headers },
      timeout,
      agent: false,
    })
    asked.once('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode === 200) {
        resolve(socket)
        return
      }
      socket.destroy()
      const message = `the proxy ${url.host} answers ${statusCode} to CONNECT ${target}`
      reject(Object.assign(new Error(message), { code: 'PROXY_REFUSED' }))
    })
    asked.once('timeout', () =>
      asked.destroy(Object.assign(new Error(`the proxy ${url.host} does not answer`), { code: 'ETIMEDOUT' })),
    )
    asked.once('error', reject)
    asked.end()
  })
}
