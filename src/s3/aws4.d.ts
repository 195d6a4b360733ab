declare module 'aws4' {
  export interface Request {
    service: string
    region: string
    method: string
    host: string
    path: string
    headers: Record<string, string>
  }
  export interface Credentials {
    accessKeyId: string
    secretAccessKey: string
    sessionToken?: string | undefined
  }
  /** Signs one request. Its steps can be replaced one by one. */
  export class RequestSigner {
    request: Request
    /** The time of the signature as the header spells it. */
    datetime: string | undefined
    /** Names in lower case and values of the headers that are signed, by name. */
    filteredHeaders: [string, string][] | undefined
    constructor(request: Request, credentials: Credentials)
    /** Sets {@link filteredHeaders}. */
    filterHeaders(): void
    canonicalString(): string
    signedHeaders(): string
    /** The value of Authorization. */
    authHeader(): string
  }
  const aws4: {
    sign(request: Request, credentials: Credentials): Request
    RequestSigner: typeof RequestSigner
  }
  export default aws4
}
