import type { TablesnapError } from '../errors.js'
import { errorMessage } from '../errors.js'
import type { Standing } from '../manifest/bucket-comparison.js'
import type { NamedObject } from '../manifest/named-objects.js'
import type { State } from '../manifest/state.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import { counted } from '../report/format.js'

import type { RepairOutcome } from './object-repair.js'
import type { BackupSummary } from './summary.js'
import { nameOf } from './table-reporter.js'

/** An object that the bucket lacked, or that had other content, and how that ended. */
export interface Finding {
  readonly name: NamedObject
  readonly standing: Standing
  readonly outcome: RepairOutcome | 'failed'
  readonly error?: TablesnapError
}

/** The findings of one unit. */
interface UnitFindings {
  readonly uploaded: Finding[]
  readonly lost: Finding[]
  readonly failed: Finding[]
}

/** How an object is that cannot be uploaded again: first in the bucket, then on the disk. */
const IN_BUCKET: Readonly<Record<Standing, string>> = {
  missing: 'missing from the bucket',
  other: 'replaced by other content in the bucket',
  right: 'in the bucket',
}
const ON_DISK: Readonly<Record<Finding['outcome'], string>> = {
  gone: 'and not on the disk any more',
  changed: 'and on the disk there is other content now',
  uploaded: 'and uploaded again',
  failed: 'and not uploaded',
}

/**
 * Tells what an audit of the bucket found, once for each cause, and counts it: what was uploaded again, what could not be
 * uploaded, and what is lost as no file has the content any more.
 */
export class AuditReport {
  readonly #summary: BackupSummary
  readonly #problems: Problems
  readonly #log: Logger
  readonly #isDryRun: boolean
  /** Keys that are lost, and paths whose upload failed, by unit. */
  readonly #told = new Map<string, { readonly lost: Set<string>; readonly failed: Set<string> }>()

  constructor(summary: BackupSummary, problems: Problems, log: Logger, isDryRun: boolean) {
    this.#summary = summary
    this.#problems = problems
    this.#log = log
    this.#isDryRun = isDryRun
  }

  /**
   * The findings of an audit of some manifests.
   * @param isWhole whether all of their objects were compared: what was found before and not now is mended
   */
  take(states: readonly State[], findings: readonly Finding[], isWhole: boolean): void {
    const units = new Map<string, UnitFindings>()
    if (isWhole) for (const { unit } of states) units.set(unit, { uploaded: [], lost: [], failed: [] })
    for (const finding of findings) {
      const { unit } = finding.name
      const of = units.get(unit) ?? { uploaded: [], lost: [], failed: [] }
      units.set(unit, of)
      const { outcome } = finding
      of[outcome === 'gone' || outcome === 'changed' ? 'lost' : outcome].push(finding)
    }
    for (const [unit, found] of units) this.#unit(unit, found, isWhole)
  }

  /** Objects were written later than the restore points that name them, and not all of them were looked at. */
  young(count: number, looked: number): void {
    this.#log.info(
      `${counted(count, 'object is', 'objects are')} younger than the restore points that name them, as in a copied bucket: tablesnap compared ${looked} of them by HEAD`,
    )
  }

  #unit(unit: string, { uploaded, lost, failed }: UnitFindings, isWhole: boolean): void {
    const told = this.#told.get(unit) ?? { lost: new Set<string>(), failed: new Set<string>() }
    if (isWhole) this.#forget(told, lost, failed)
    this.#tellUploaded(unit, uploaded)
    this.#tellLost(
      unit,
      lost.filter(({ name }) => !told.lost.has(name.key)),
    )
    for (const { name } of lost) {
      told.lost.add(name.key)
      this.#summary.lose(name.key, name.path)
    }
    for (const { name, error } of failed) {
      told.failed.add(name.path)
      this.#problems.problem(
        name.path,
        `Error uploading ${name.key} again, which the bucket does not hold as restore points say: ${errorMessage(error)}`,
      )
    }
    if (told.lost.size + told.failed.size > 0) this.#told.set(unit, told)
    else this.#told.delete(unit)
  }

  /** Forgets what an earlier audit found and this one did not. */
  #forget(
    told: { readonly lost: Set<string>; readonly failed: Set<string> },
    lost: readonly Finding[],
    failed: readonly Finding[],
  ): void {
    const keys = new Set(lost.map(({ name }) => name.key))
    const paths = new Set(failed.map(({ name }) => name.path))
    for (const key of told.lost) {
      if (keys.has(key)) continue
      told.lost.delete(key)
      this.#summary.regain(key)
    }
    for (const path of told.failed) {
      if (paths.has(path)) continue
      told.failed.delete(path)
      this.#problems.solved(path)
    }
  }

  #tellUploaded(unit: string, uploaded: readonly Finding[]): void {
    const [first] = uploaded
    if (first === undefined) return
    const bytes = uploaded.reduce((sum, { name }) => sum + name.entry.size, 0)
    this.#summary.sentAgain(uploaded.length, bytes)
    const count = counted(uploaded.length, 'object')
    const done = this.#isDryRun ? 'would upload again' : 'uploaded again'
    this.#log.warn(
      `${nameOf({ name: unit })}: the bucket had lost ${count} of its newest restore point, which tablesnap ${done} (${first.name.key}${uploaded.length > 1 ? ', …' : ''}): look for a lifecycle rule, or for who deletes objects`,
      { table: unit, key: first.name.key },
    )
  }

  /** One line for each SSTable, and for each file that belongs to none. */
  #tellLost(unit: string, lost: readonly Finding[]): void {
    const lines = new Map<string, Finding[]>()
    for (const finding of lost) {
      const { name, standing, outcome } = finding
      const line = `${standing} ${outcome} ${name.sstable ?? name.path}`
      lines.set(line, [...(lines.get(line) ?? []), finding])
    }
    for (const findings of lines.values()) {
      const [first] = findings
      if (first === undefined) continue
      const { name, standing, outcome } = first
      const count = counted(findings.length, 'object')
      const it = findings.length === 1 ? 'it' : 'them'
      this.#log.error(
        `${nameOf({ name: unit })} has lost ${count}: ${keysOf(findings)}: ${IN_BUCKET[standing]}, ${ON_DISK[outcome]}. Restore points that name ${it} cannot be restored whole unless somebody puts ${it} back (in a versioned bucket: deletes the delete marker)`,
        { table: unit, path: name.sstable ?? name.path, key: name.key },
      )
    }
  }
}

/** Keys in one phrase: those of an SSTable that are made of its path as `…/nb-1-big-{Data.db,Index.db}`. */
function keysOf(findings: readonly Finding[]): string {
  const components: string[] = []
  const keys: string[] = []
  let stem = ''
  for (const { name } of findings) {
    const { key, path, sstable, entry } = name
    const component =
      sstable === undefined || entry.key !== undefined ? undefined : path.slice(sstable.length + 1)
    if (component === undefined) keys.push(key)
    else {
      components.push(component)
      stem = key.slice(0, -component.length)
    }
  }
  if (components.length > 0)
    keys.unshift(`${stem}${components.length > 1 ? `{${components.join(',')}}` : components.join('')}`)
  return keys.join(', ')
}
