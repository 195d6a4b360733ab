import { TablesnapError } from '../errors.js'
import { differences, standingOf, type Difference, type Standing } from '../manifest/bucket-comparison.js'
import type { KeyLayout } from '../manifest/keys.js'
import { NamedObjects, type NamedObject } from '../manifest/named-objects.js'
import type { State } from '../manifest/state.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { listPages } from '../s3/list.js'
import { headObject } from '../s3/object.js'

import type { AuditReport, Finding } from './audit-report.js'
import type { ObjectRepair, RepairOutcome } from './object-repair.js'
import type { Ownership } from './ports.js'

/** The parts that an audit works with. */
export interface AuditDeps {
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly repair: ObjectRepair
  readonly report: AuditReport
  /** Whether this process may write under the node's name; undefined: it writes nothing. */
  readonly ownership: Pick<Ownership, 'check'> | undefined
  readonly signal: AbortSignal
}

/** Since when the objects of a manifest must not have been written any more. */
export interface Since {
  /** ms since 1970, by the server's clock. */
  readonly time: number
  /** How much later than its file an object may have been written all the same, ms: this run uploads. */
  readonly grace: number
}

/** A manifest whose objects are compared; `since` undefined: nobody knows when it was written. */
export interface Audited {
  readonly state: State
  readonly since: Since | undefined
}

/** Differences that are looked into at once. */
const LANES = 8

/** LastModified has whole seconds, and the clock by which this machine knows the server's is not exact, ms. */
const INEXACT = 2_000

/**
 * Objects that are looked at in one go for no other reason than that they are too young. A bucket that was copied has nothing
 * but such objects: then a run looks at so many of them, and the rest waits for another one.
 */
const MOST_YOUNG = 1_000

/**
 * Makes sure that the bucket holds what manifests name, as objects get deleted by lifecycle rules and by hand. It LISTs the
 * objects, asks by HEAD for each that is missing, has another size or is too young, and has it uploaded again under its key: the older
 * restore points that name it become whole with it. It never believes a manifest, and never uploads other content than the
 * manifest tells.
 */
export class ObjectAudit {
  readonly #deps: AuditDeps

  constructor(deps: AuditDeps) {
    this.#deps = deps
  }

  /**
   * Compares the objects of some manifests; neighbours in the order of their units share pages of a LIST.
   * @param isStopped whether to begin with no further object
   * @throws S3Error, TablesnapError `LIST_UNSORTED`, `FENCED`: what was found until then is reported
   */
  async run(audited: readonly Audited[], isStopped: () => boolean): Promise<void> {
    const { client, keys, report, signal } = this.#deps
    const states = audited.map(({ state }) => state)
    const since = new Map(audited.map(({ state, since }) => [state.unit, since]))
    let young = 0
    const findings: Finding[] = []
    let isWhole = false
    try {
      const { files, versions } = await NamedObjects.of(states, keys)
      for (const named of [files, versions]) {
        const { prefix } = named
        const list = (startAfter: string) =>
          listPages(client, { prefix, ...(startAfter === '' ? {} : { startAfter }), signal })
        const found = differences(named, list, (name, { lastModified }) =>
          isTooYoung(name, lastModified, since.get(name.unit)),
        )
        await inLanes(found, LANES, async difference => {
          if (isStopped()) return false
          if (difference.suspect !== undefined && ++young > MOST_YOUNG) return true
          const finding = await this.#lookInto(difference)
          if (finding !== undefined) findings.push(finding)
          return true
        })
      }
      isWhole = !isStopped()
    } finally {
      report.take(states, findings, isWhole)
      if (young > MOST_YOUNG) report.young(young, MOST_YOUNG)
    }
  }

  /** @returns undefined where the object is as it should be after all @throws as {@link run} */
  async #lookInto(difference: Difference): Promise<Finding | undefined> {
    try {
      return await this.#settle(difference, false)
    } catch (error) {
      // Another program wrote the object meanwhile.
      if (isTaken(error)) return await this.#settle(difference, true)
      throw error
    }
  }

  /** @param isLast whether a key that is taken meanwhile counts as a failure of this object */
  async #settle({ key, names }: Difference, isLast: boolean): Promise<Finding | undefined> {
    const { client, signal, repair, ownership } = this.#deps
    const name = names.find(({ entry }) => entry.key === undefined) ?? names[0]
    let standing: Standing = 'missing'
    let outcome: RepairOutcome | 'failed' = 'failed'
    try {
      standing = standingOf(await headObject(client, key, signal), name.entry)
      if (standing === 'right') return undefined
      await ownership?.check()
      outcome = await repair.run(key, names, standing === 'other')
      return { name, standing, outcome }
    } catch (error) {
      if (signal.aborted || (isTaken(error) && !isLast)) throw error
      // A failure that may pass, or that concerns every object, is none of this one.
      const isOwn = error instanceof TablesnapError && !error.retry && error.code !== 'FENCED'
      if (!isOwn) throw error
      return { name, standing, outcome, error }
    }
  }
}

function isTooYoung({ entry }: NamedObject, modified: number, since: Since | undefined): boolean {
  if (since === undefined || !(modified > since.time + INEXACT)) return false
  return since.grace === 0 || modified > Number(entry.mtime / 1_000_000n) + since.grace
}

/** Whether a conditional write was refused. */
function isTaken(error: unknown): boolean {
  return isS3Error(error, 412, 409)
}

/**
 * Works through items as they come, several at once, until one says that it is enough. The first failure ends it, once all
 * that was begun has ended.
 */
async function inLanes<T>(
  items: AsyncGenerator<T>,
  lanes: number,
  work: (item: T) => Promise<boolean>,
): Promise<void> {
  let hasEnded = false
  const lane = async (): Promise<void> => {
    try {
      while (!hasEnded) {
        // Generators answer one call after the other.
        const next = await items.next()
        if (next.done === true || !(await work(next.value))) hasEnded = true
      }
    } catch (error) {
      hasEnded = true
      throw error
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane))
  await items.return(undefined)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
