import type { Test } from 'tap'

import type { BucketClient } from './bucket-client.js'
import type { ExceptionName } from './exceptions.js'

/** The server under test, and where it is known to answer otherwise. */
export interface ContractTarget {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly exceptions: ReadonlySet<ExceptionName>
}

/** What a case works with. */
export interface Subject {
  readonly s3: BucketClient
  readonly target: ContractTarget
}

/** One promise of the contract. */
export interface ContractCase {
  readonly name: string
  /** Servers with this exception do not keep the promise. */
  readonly exception?: ExceptionName
  run(t: Test, subject: Subject): Promise<void>
}
