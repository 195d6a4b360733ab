import type { Command } from '../launch.js'

/** Where clients send to. */
export interface Target {
  /** Scheme, host and port; undefined: Amazon S3. */
  readonly endpoint: string | undefined
  readonly bucket: string
  readonly region: string
  /** A certificate that is trusted besides, PEM file. */
  readonly ca: string | undefined
  /** Credentials, as environment variables. */
  readonly credentials: Readonly<Record<string, string>>
}

/**
 * `file`: upload one; `folder`: upload all below; `sync`: the same, without what is there; `restore`: bring back what
 * tablesnap uploaded from `source`; `restore-folder`: all of it.
 */
export type Task = 'file' | 'folder' | 'sync' | 'restore' | 'restore-folder'

/** What a client is to do. */
export interface Job {
  readonly target: Target
  /** Before every key; empty, or it ends with a slash. */
  readonly prefix: string
  /** The node's name under which tablesnap uploads. */
  readonly node: string
  /** File or folder, absolute. */
  readonly source: string
  /** An empty folder for what is restored. */
  readonly into: string
  /** For the client's own files. */
  readonly scratch: string
  /** Whether the payload's SHA-256 is to be part of the signature. */
  readonly signed: boolean
}

/** One way to run a client. */
export interface Client {
  readonly name: string
  readonly variant: string
  /** Whether it goes on watching after an upload, and is ended once all has arrived. */
  readonly endless?: boolean
  /** @returns undefined for what it cannot do */
  command(task: Task, job: Job): Command | undefined
}

/** The usual two ways to run a peer; the better one counts. */
export const DEFAULTS = 'defaults'
export const OURS = 'at our concurrency'

/** Our own: two workers with two parts of 8 MiB each under way. */
export const CONCURRENCY = { requests: 4, partMib: 8 } as const

/** The key under which tablesnap puts a file. */
export function ownKey({ prefix, node, source }: Pick<Job, 'prefix' | 'node' | 'source'>): string {
  return `${prefix}${node}:${source}`
}

/** A clean environment: nothing of the user's settings is read, and the certificate is trusted in every client's own way. */
export function environment({ target, scratch }: Pick<Job, 'target' | 'scratch'>): Record<string, string> {
  const { ca } = target
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: scratch,
    LANG: 'C.UTF-8',
    AWS_REGION: target.region,
    AWS_DEFAULT_REGION: target.region,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...target.credentials,
    ...(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca, AWS_CA_BUNDLE: ca, SSL_CERT_FILE: ca }),
  }
}
