import type { ContractCase } from './contract-case.js'
import { authCases } from './cases-auth.js'
import { bucketCases } from './cases-bucket.js'
import { chunkedCases } from './cases-chunked.js'
import { integrityCases } from './cases-integrity.js'
import { keyCases } from './cases-keys.js'
import { listingCases } from './cases-listing.js'
import { multipartCases } from './cases-multipart.js'
import { multipartChecksumCases } from './cases-multipart-checksum.js'
import { objectCases } from './cases-object.js'
import { readCases } from './cases-read.js'

/** Every promise, in the order in which they are checked. */
export const cases: readonly ContractCase[] = [
  ...bucketCases,
  ...authCases,
  ...integrityCases,
  ...chunkedCases,
  ...objectCases,
  ...readCases,
  ...keyCases,
  ...listingCases,
  ...multipartCases,
  ...multipartChecksumCases,
]
