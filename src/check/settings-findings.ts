import { isArchive } from '../restore/read/archived.js'
import type { BucketSettings, LifecycleRule, Told } from '../s3/bucket-settings.js'

import type { Finding } from './finding.js'
import type { Mends } from './mends.js'

/** The facts by which the settings are judged. */
export interface SettingsFacts {
  readonly settings: BucketSettings
  /** Beginnings of the keys that restore points need. */
  readonly prefixes: readonly string[]
  /** How long restore points are to be kept, ms; undefined: the operator has not said it. */
  readonly retention: number | undefined
  readonly mends: Mends
}

const DAY = 86_400_000

/** The findings about a bucket's settings; from what the server told alone. */
export function findingsOfSettings(facts: SettingsFacts): Finding[] {
  return [
    ...lifecycle(facts),
    ...versions(facts),
    ...locks(facts),
    ...access(facts),
    ...encryption(facts),
    ...untold(facts),
  ]
}

function lifecycle({ settings: { lifecycle }, prefixes, mends }: SettingsFacts): Finding[] {
  if (lifecycle.is !== 'set') return []
  const mend = `${mends.aws('get-bucket-lifecycle-configuration')}  # then delete or narrow the rule; tablechop deletes what is not needed`
  return lifecycle.value
    .filter(rule => concerns(rule, prefixes))
    .flatMap(rule => {
      const name = rule.id === '' ? 'a lifecycle rule' : `lifecycle rule ${rule.id}`
      const about = rule.prefix === '' ? 'all objects' : `objects below ${rule.prefix}`
      const findings: Finding[] = []
      if (rule.expiresAfter !== undefined)
        findings.push({
          kind: 'lifecycle-expires',
          severity: 'danger',
          message: `${name} deletes ${about} after ${rule.expiresAfter} days, whether a restore point needs them or not: an SSTable may live longer`,
          mend,
        })
      for (const { storageClass, days } of rule.transitions)
        if (isArchive(storageClass))
          findings.push({
            kind: 'lifecycle-archives',
            severity: 'danger',
            message: `${name} archives ${about} after ${days} days (${storageClass}): a restore has to wait until they are thawed, and manifests cannot be read`,
            mend,
          })
      return findings
    })
}

/** Whether a rule is about keys of ours. */
function concerns({ prefix, isTagged }: LifecycleRule, prefixes: readonly string[]): boolean {
  return !isTagged && prefixes.some(own => own.startsWith(prefix) || prefix.startsWith(own))
}

function versions({ settings: { versioning, lifecycle }, prefixes, mends }: SettingsFacts): Finding[] {
  if (versioning.is !== 'set') return []
  if (versioning.value === 'Suspended')
    return [
      {
        kind: 'versioning-suspended',
        severity: 'note',
        message:
          'versioning is suspended: old versions stay and cost as before, and what is deleted now cannot be brought back',
        mend: mends.aws('put-bucket-versioning', '--versioning-configuration Status=Enabled'),
      },
    ]
  const ends =
    lifecycle.is === 'unknown' ||
    (lifecycle.is === 'set' &&
      lifecycle.value.some(rule => rule.noncurrentAfter !== undefined && concerns(rule, prefixes)))
  if (ends) return []
  return [
    {
      kind: 'versions-kept',
      severity: 'note',
      message:
        'the bucket keeps old versions, and no lifecycle rule ends them: what tablechop deletes costs as before',
      mend: mends.aws(
        'put-bucket-lifecycle-configuration',
        `--lifecycle-configuration '{"Rules":[{"ID":"old-versions","Status":"Enabled","Filter":{},"NoncurrentVersionExpiration":{"NoncurrentDays":30}}]}'`,
      ),
    },
  ]
}

function locks({ settings: { objectLock }, retention, mends }: SettingsFacts): Finding[] {
  if (objectLock.is !== 'set' || !objectLock.value.isEnabled || retention === undefined) return []
  const { days, mode } = objectLock.value
  const wanted = Math.ceil(retention / DAY)
  if (days !== undefined && days >= wanted) return []
  const lock =
    days === undefined
      ? 'Object Lock is on, and has no default retention'
      : `Object Lock (${mode ?? '?'}) protects objects for ${days} days`
  return [
    {
      kind: 'lock-short',
      severity: 'danger',
      message: `${lock}: restore points are to be kept for ${wanted} days, so the objects of the older ones are not protected`,
      mend: mends.aws(
        'put-object-lock-configuration',
        `--object-lock-configuration 'ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=${mode ?? 'GOVERNANCE'},Days=${wanted}}}'`,
      ),
    },
  ]
}

function access({ settings: { isPublic, blocksPublic }, mends }: SettingsFacts): Finding[] {
  const isBlocked = blocksPublic.is === 'set' && blocksPublic.value
  if (isPublic.is !== 'set' || !isPublic.value || isBlocked) return []
  return [
    {
      kind: 'public',
      severity: 'danger',
      message: 'the bucket is public: a policy lets anybody read the backup, or write to it',
      mend: mends.aws(
        'put-public-access-block',
        '--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true',
      ),
    },
  ]
}

function encryption({ settings: { encryption }, mends }: SettingsFacts): Finding[] {
  if (encryption.is !== 'none') return []
  return [
    {
      kind: 'not-encrypted',
      severity: 'note',
      message:
        'the bucket has no default encryption: objects are encrypted only where a program asks for it (--with-sse)',
      mend: mends.aws(
        'put-bucket-encryption',
        `--server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'`,
      ),
    },
  ]
}

const NAMES = {
  lifecycle: 'lifecycle rules',
  versioning: 'versioning',
  objectLock: 'Object Lock',
  encryption: 'default encryption',
  isPublic: 'public access',
  blocksPublic: 'the block of public access',
} as const satisfies Record<keyof BucketSettings, string>

/** One line for all that the server does not tell. */
function untold({ settings }: SettingsFacts): Finding[] {
  const unknown = (Object.keys(NAMES) as (keyof BucketSettings)[]).filter(
    name => settings[name].is === 'unknown',
  )
  const [first] = unknown
  if (first === undefined) return []
  const told: Told<unknown> = settings[first]
  const why = told.is === 'unknown' ? told.why : ''
  return [
    {
      kind: 'cannot-be-told',
      severity: 'note',
      message: `the server does not tell ${unknown.map(name => NAMES[name]).join(', ')}: ${why}`,
      examples: unknown,
      count: unknown.length,
    },
  ]
}
