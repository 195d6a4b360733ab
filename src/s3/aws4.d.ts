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
    readonly request: Request
    /** Names in lower case and values of the headers that are signed, by name. */
    readonly filteredHeaders: [string, string][] | undefined
    constructor(request: Request, credentials: Credentials)
    /** The time of the signature as its header spells it. */
    getDateTime(): string
    /** Finds {@link filteredHeaders}. */
    filterHeaders(): void
    canonicalString(): string
    signedHeaders(): string
    /** The value of Authorization. */
    authHeader(): string
  }
  const aws4: { RequestSigner: typeof RequestSigner }
  export default aws4
}
