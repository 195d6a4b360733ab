import type { HttpResponse } from './connection.js'
import { parseUrl } from './url.js'

/** The address to which a request must be sent instead. */
export interface Redirect {
  /** Scheme, host and port. */
  readonly origin: string
  readonly host: string
  /** Path and query, as the server wrote them: they are signed. */
  readonly path: string
}

/**
 * Where a 307 sends a request, as Amazon does while a new bucket's name is not yet known everywhere. Undefined when it does
 * not say, or would have a body leave TLS.
 * @param secure whether the request went over TLS
 */
export function redirectOf({ headers }: HttpResponse, secure: boolean): Redirect | undefined {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/?#]+)(\/[^#]*)/i.exec(headers['location'] ?? '') ?? []
  const url = parseUrl(origin)
  if (url === undefined) return undefined
  const { host, protocol, username } = url
  if (username !== '' || (secure && protocol !== 'https:')) return undefined
  return { origin: `${protocol}//${host}`, host, path }
}
