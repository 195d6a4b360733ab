export { faults, type ActiveRule, type Fault, type FaultRule, type FaultScript } from './fault.js'
export { LocalS3, type LocalS3Options } from './local-s3.js'
export type { RequestRecord } from './request-log.js'
export type { LocalCredential } from './signature.js'
