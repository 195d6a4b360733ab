import { errorMessage } from '../errors.js'

import type { S3Client } from './client.js'
import { isS3Error, type S3Error } from './errors.js'
import type { XmlNode } from './xml-node.js'
import { children, text } from './xml.js'

/** A setting of the bucket: as the server tells it, or that there is none, or why it cannot be told. */
export type Told<T> =
  | { readonly is: 'set'; readonly value: T }
  | { readonly is: 'none' }
  | { readonly is: 'unknown'; readonly why: string }

/** A rule by which the server deletes or archives objects by itself. */
export interface LifecycleRule {
  readonly id: string
  /** What the keys begin with that it is about; '': all of them. */
  readonly prefix: string
  /** Whether tags or sizes restrict it further: none of our objects has tags. */
  readonly isTagged: boolean
  /** Bytes: it is about larger, and smaller, objects alone. */
  readonly largerThan: number
  readonly smallerThan: number
  /** Days after which an object is deleted; a date counts as 0 days. */
  readonly expiresAfter: number | undefined
  /** The storage classes that objects go to, with the days. */
  readonly transitions: readonly { readonly storageClass: string; readonly days: number }[]
  /** Days after which old versions are deleted. */
  readonly noncurrentAfter: number | undefined
  /** Days after which unfinished uploads are ended. */
  readonly abortsAfter: number | undefined
}

/** Object Lock of a bucket. */
export interface ObjectLock {
  readonly isEnabled: boolean
  /** `GOVERNANCE` or `COMPLIANCE`; undefined: no default retention. */
  readonly mode: string | undefined
  /** The default retention, days. */
  readonly days: number | undefined
}

/** The settings of a bucket that decide about the life of its objects. */
export interface BucketSettings {
  readonly lifecycle: Told<readonly LifecycleRule[]>
  /** `Enabled` or `Suspended`. */
  readonly versioning: Told<string>
  readonly objectLock: Told<ObjectLock>
  /** The algorithm: `AES256`, `aws:kms`. */
  readonly encryption: Told<string>
  /** Whether a policy makes the bucket public. */
  readonly isPublic: Told<boolean>
  /** Whether the bucket blocks public access, by policies and by access lists. */
  readonly blocksPublic: Told<boolean>
}

/** Bytes beyond all sizes. */
const ANY = Number.POSITIVE_INFINITY

/** Reads the settings of the client's bucket. A server that has no such thing, or refuses, is no error. */
export async function readBucketSettings(client: S3Client, signal?: AbortSignal): Promise<BucketSettings> {
  const ask = <T>(
    operation: string,
    parameter: string,
    root: string,
    absent: string,
    read: (node: XmlNode) => T | undefined,
  ): Promise<Told<T>> => askFor(client, { operation, parameter, root, absent, read }, signal)
  const [lifecycle, versioning, objectLock, encryption, isPublic, blocksPublic] = await Promise.all([
    ask(
      'GetBucketLifecycleConfiguration',
      'lifecycle',
      'LifecycleConfiguration',
      'NoSuchLifecycleConfiguration',
      rulesOf,
    ),
    ask('GetBucketVersioning', 'versioning', 'VersioningConfiguration', 'NoSuchVersioning', node =>
      text(node, 'Status'),
    ),
    ask(
      'GetObjectLockConfiguration',
      'object-lock',
      'ObjectLockConfiguration',
      'ObjectLockConfigurationNotFoundError',
      lockOf,
    ),
    ask(
      'GetBucketEncryption',
      'encryption',
      'ServerSideEncryptionConfiguration',
      'ServerSideEncryptionConfigurationNotFoundError',
      algorithmOf,
    ),
    ask('GetBucketPolicyStatus', 'policyStatus', 'PolicyStatus', 'NoSuchBucketPolicy', node =>
      isTrue(node, 'IsPublic'),
    ),
    ask(
      'GetPublicAccessBlock',
      'publicAccessBlock',
      'PublicAccessBlockConfiguration',
      'NoSuchPublicAccessBlockConfiguration',
      node =>
        ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'].every(name =>
          isTrue(node, name),
        ),
    ),
  ])
  return { lifecycle, versioning, objectLock, encryption, isPublic, blocksPublic }
}

/** How one setting is asked for. */
interface Question<T> {
  readonly operation: string
  /** The sub-resource: `?lifecycle`. */
  readonly parameter: string
  readonly root: string
  /** The code of a 404 that says that there is none. */
  readonly absent: string
  /** Undefined: the document says that there is none. */
  readonly read: (node: XmlNode) => T | undefined
}

async function askFor<T>(
  client: S3Client,
  { operation, parameter, root, absent, read }: Question<T>,
  signal: AbortSignal | undefined,
): Promise<Told<T>> {
  try {
    const node = await client.document({ operation, method: 'GET', query: { [parameter]: '' } }, root, signal)
    const value = read(node)
    return value === undefined ? { is: 'none' } : { is: 'set', value }
  } catch (error) {
    if (isS3Error(error, absent)) return { is: 'none' }
    if (!isS3Error(error) || !isNoAnswer(error)) throw error
    return { is: 'unknown', why: errorMessage(error) }
  }
}

/** A server that has no such setting answers with any of these; so does one that lets us not look, and one that ignores the question. */
function isNoAnswer({ status, s3Code }: S3Error): boolean {
  return [400, 403, 404, 405, 500, 501].includes(status) || s3Code === 'MalformedXML'
}

function isTrue(node: XmlNode, name: string): boolean {
  return text(node, name)?.toLowerCase() === 'true'
}

function rulesOf(node: XmlNode): LifecycleRule[] {
  return children(node, 'Rule')
    .filter(rule => text(rule, 'Status') === 'Enabled')
    .map(rule => {
      const [filter = {}] = children(rule, 'Filter')
      const [and] = children(filter, 'And')
      const of = and ?? filter
      const [expiration] = children(rule, 'Expiration')
      const [noncurrent] = children(rule, 'NoncurrentVersionExpiration')
      const [abort] = children(rule, 'AbortIncompleteMultipartUpload')
      return {
        id: text(rule, 'ID') ?? '',
        prefix: text(of, 'Prefix') ?? text(rule, 'Prefix') ?? '',
        isTagged: children(of, 'Tag').length > 0,
        largerThan: numberOf(of, 'ObjectSizeGreaterThan') ?? -1,
        smallerThan: numberOf(of, 'ObjectSizeLessThan') ?? ANY,
        expiresAfter: expiration === undefined ? undefined : daysOf(expiration),
        transitions: children(rule, 'Transition').map(one => ({
          storageClass: text(one, 'StorageClass') ?? '',
          days: daysOf(one) ?? 0,
        })),
        noncurrentAfter: noncurrent === undefined ? undefined : numberOf(noncurrent, 'NoncurrentDays'),
        abortsAfter: abort === undefined ? undefined : numberOf(abort, 'DaysAfterInitiation'),
      }
    })
}

/** Undefined: it is about delete markers alone. */
function daysOf(node: XmlNode): number | undefined {
  return numberOf(node, 'Days') ?? (text(node, 'Date') === undefined ? undefined : 0)
}

function lockOf(node: XmlNode): ObjectLock {
  const [rule = {}] = children(node, 'Rule')
  const [retention] = children(rule, 'DefaultRetention')
  const years = retention === undefined ? undefined : numberOf(retention, 'Years')
  return {
    isEnabled: text(node, 'ObjectLockEnabled') === 'Enabled',
    mode: retention === undefined ? undefined : text(retention, 'Mode'),
    days: years === undefined ? retention && numberOf(retention, 'Days') : years * 365,
  }
}

function algorithmOf(node: XmlNode): string | undefined {
  const [rule = {}] = children(node, 'Rule')
  const [by = {}] = children(rule, 'ApplyServerSideEncryptionByDefault')
  return text(by, 'SSEAlgorithm')
}

function numberOf(node: XmlNode, name: string): number | undefined {
  const value = text(node, name)
  return value === undefined || !/^\d{1,15}$/.test(value.trim()) ? undefined : Number(value)
}
