/** The place of an S3 bucket, and how it is addressed. */
export interface S3Settings {
  /** Scheme, host and port, without a path; undefined means Amazon S3 in `region`. */
  readonly endpoint: string | undefined
  /** Signing region, e.g. `us-east-1`. */
  readonly region: string
  /** `true`: `host/bucket/key`; `false`: `bucket.host/key`; undefined: path style for every endpoint but Amazon's. */
  readonly pathStyle: boolean | undefined
  readonly bucket: string
  /** Certificates to trust, PEM; undefined: those of Node. */
  readonly ca?: readonly string[] | undefined
  readonly proxies?: ProxySettings | undefined
  /** Time without a byte after which a request ends, ms; undefined: 60 s. */
  readonly requestTimeout?: number | undefined
}

/** Proxies by the scheme of the server, and for which hosts there is none; as http_proxy, https_proxy and NO_PROXY say. */
export interface ProxySettings {
  readonly http: string | undefined
  readonly https: string | undefined
  readonly no: string | undefined
}

/** The credentials that sign a request. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Where requests get their credentials from. */
export interface CredentialSource {
  (): Credentials | Promise<Credentials>
  /** Told that the server takes its credentials. */
  readonly accepted?: () => void
  /**
   * Told of credentials that the server does not take (any more). Where they change while the program runs, it waits a little for others.
   * @param isCertain whether the server said so; a HEAD that is refused may lack a permission
   * @returns whether the request is worth another attempt
   */
  readonly refused?: (used: Credentials, isCertain: boolean) => Promise<boolean>
}

/** The checksum a body is sent with; CRC-64/NVME is computed whichever is chosen. */
export type ChecksumKind = 'crc64nvme' | 'crc32c' | 'sha256' | 'md5'

/** How new objects are stored; the header values of Amazon S3's PutObject. */
export interface ObjectSettings {
  readonly storageClass: string | undefined
  readonly sse: 'AES256' | 'aws:kms' | undefined
  readonly kmsKeyId: string | undefined
}
