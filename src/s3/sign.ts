import aws4 from 'aws4'

import type { Credentials } from './settings.js'

/** The payload hash that leaves the body out of the signature; the checksum header guards it instead. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** SHA-256 of nothing, hex: the payload hash of a request without a body. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The parts of a request that a signature covers. */
export interface Signable {
  readonly method: string
  readonly host: string
  /** Path and query, strictly encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body in hex, or {@link UNSIGNED_PAYLOAD}. */
  readonly payloadHash: string
  /** ms since 1970; undefined: this machine's time. */
  readonly time?: number
}

/**
 * The headers to send: the given ones with Host, date, payload hash and a SigV4 Authorization.
 * @returns name, value, name, value, … An object with a dozen headers would be a dictionary to V8, and cost more than the signature
 */
export function sign(request: Signable, region: string, credentials: Credentials): string[] {
  const { host, payloadHash, time = Date.now() } = request
  const { sessionToken } = credentials
  const datetime = compact(time)
  const names = ['Host', 'X-Amz-Content-Sha256', 'X-Amz-Date']
  const values = [host, payloadHash, datetime]
  if (sessionToken !== undefined) {
    names.push('X-Amz-Security-Token')
    values.push(sessionToken)
  }
  for (const name of Object.keys(request.headers)) {
    names.push(name)
    values.push(request.headers[name] ?? '')
  }
  const signer = new ObjectSigner(request, { region, credentials, datetime, names, values })
  const headers = ['Authorization', signer.authHeader()]
  for (const [i, name] of names.entries()) headers.push(name, values[i] ?? '')
  return headers
}

/** The parts of a signature that a request does not have itself. */
interface Signing {
  readonly region: string
  readonly credentials: Credentials
  /** The value of X-Amz-Date. */
  readonly datetime: string
  readonly names: readonly string[]
  /** By the place of their names. */
  readonly values: readonly string[]
}

/** The signed ones among the headers of one request: each by its place in the request, sorted by name in lower case. */
interface SignedNames {
  readonly order: readonly { readonly place: number; readonly lower: string }[]
  /** As the signature lists them. */
  readonly text: string
}

/** A program's requests have a few dozen sets of header names; more would be made up by somebody. */
const MOST_SETS = 256

const signedNames = new Map<string, SignedNames>()

/**
 * aws4's signer without what our requests need not: their paths are strictly encoded, so that decoding and encoding them brings the same,
 * and which headers are signed, in which order, is found out once for each set of names.
 */
class ObjectSigner extends aws4.RequestSigner {
  readonly #payloadHash: string
  readonly #datetime: string
  readonly #values: readonly string[]
  readonly #signed: SignedNames

  constructor({ method, host, path, payloadHash }: Signable, signing: Signing) {
    const { region, credentials, datetime, names, values } = signing
    super({ service: 's3', region, method, host, path, headers: {} }, credentials)
    this.#payloadHash = payloadHash
    this.#datetime = datetime
    this.#values = values
    this.#signed = signedOf(names)
  }

  override getDateTime(): string {
    return this.#datetime
  }

  override canonicalString(): string {
    const { method, path } = this.request
    const { order, text } = this.#signed
    let headers = ''
    for (const { place, lower } of order) headers += `${lower}:${canonicalValue(this.#values[place] ?? '')}\n`
    const query = path.indexOf('?')
    const [root, parameters] =
      query < 0 ? [path, ''] : [path.slice(0, query), canonicalQuery(path.slice(query + 1))]
    return `${method}\n${root}\n${parameters}\n${headers}\n${text}\n${this.#payloadHash}`
  }

  override signedHeaders(): string {
    return this.#signed.text
  }
}

/** As aws4 has it. */
function signedOf(names: readonly string[]): SignedNames {
  const key = names.join()
  const known = signedNames.get(key)
  if (known !== undefined) return known
  const headers = Object.fromEntries(names.map(name => [name, '']))
  const request = { service: 's3', region: '', method: 'GET', host: '', path: '/', headers }
  const signer = new aws4.RequestSigner(request, { accessKeyId: '', secretAccessKey: '' })
  signer.filterHeaders()
  const places = new Map(names.map((name, place) => [name.toLowerCase(), place]))
  const order = (signer.filteredHeaders ?? []).map(([lower]) => ({ lower, place: places.get(lower) ?? -1 }))
  const found = { order, text: order.map(({ lower }) => lower).join(';') }
  if (signedNames.size >= MOST_SETS) signedNames.clear()
  signedNames.set(key, found)
  return found
}

/** A header's value as it is signed: without white space at its ends, and one space in place of several. */
function canonicalValue(value: string): string {
  return /^\s|\s\s|[^\S ]|\s$/.test(value) ? value.trim().replace(/\s+/g, ' ') : value
}

/** Parameters as they are signed: by name; each has a value, be it empty. @param query strictly encoded, each name once */
function canonicalQuery(query: string): string {
  const parameters = query.split('&').map(parameter => parameter.split('='))
  return parameters
    .sort(([one = ''], [other = '']) => (one < other ? -1 : 1))
    .map(([name = '', value = '']) => `${name}=${value}`)
    .join('&')
}

let second = NaN
let spelled = ''

/** ms since 1970 as `20261123T041233Z`. Requests of one second share it. */
function compact(time: number): string {
  const now = Math.floor(time / 1000)
  if (now !== second) {
    second = now
    spelled = new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, '')
  }
  return spelled
}
