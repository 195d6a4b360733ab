import { readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Filter } from '../backup/filter.js'
import { isTemporary, isTxnLog, parseComponent } from '../cassandra/names.js'
import { parseTxn } from '../cassandra/transaction-log.js'
import { tableOfUnit, unitOf } from '../cassandra/unit.js'
import { applyInPlace } from '../manifest/state.js'
import { counted } from '../report/format.js'

import { Sample, type Finding } from './finding.js'
import type { Mends } from './mends.js'
import type { ManifestReader } from './restore-points.js'
import type { UnitSurvey } from './unit-check.js'
import { iso, nameOfUnit } from './unit-findings.js'

/** The parts that a comparison with the disk works with. */
export interface DiskDeps {
  readonly reader: ManifestReader
  readonly filter: Filter
  readonly mends: Mends
  /** How long an SSTable may lie on the disk before a restore point has to name it, ms. */
  readonly lag: number
  /** Whether a directory is meant. */
  readonly holds: (directory: string) => boolean
}

/**
 * Compares the newest restore points with this machine's disk, where this machine is the one that writes them: SSTables that no
 * restore point names although they are there for long, and tables without any.
 */
export class DiskCheck {
  readonly findings: Finding[] = []
  readonly #deps: DiskDeps
  readonly #units = new Set<string>()
  /** Data directories: those in which the tables' keyspaces lie. */
  readonly #roots = new Set<string>()

  constructor(deps: DiskDeps) {
    this.#deps = deps
  }

  /** Looks at the directories of one table. @throws S3Error */
  async take({ unit, points, names }: UnitSurvey): Promise<void> {
    this.#units.add(unit)
    const directories = names.directories.filter(directory => this.#deps.holds(directory))
    if (tableOfUnit(unit) !== undefined)
      for (const directory of directories)
        if (tableOfUnit(unitOf(directory)) !== undefined && unitOf(dirname(directory)) !== unit)
          this.#roots.add(dirname(dirname(directory)))
    const [newest] = points
    if (newest === undefined || tableOfUnit(unit) === undefined) return
    const named = await this.#named(newest.key, newest.base)
    if (named === undefined) return
    const missing = new Sample()
    for (const directory of directories)
      for (const { path, bytes } of this.#settled(directory)) if (!named.has(path)) missing.add(path, bytes)
    if (missing.count === 0) return
    const { count, bytes, examples, text } = missing
    this.findings.push({
      kind: 'not-backed-up',
      severity: 'danger',
      unit,
      message: `${nameOfUnit(unit)}: the newest restore point (${iso(newest.time)}) lacks ${counted(count, 'SSTable')} of this disk: is tablesnap running? (${text})`,
      mend: this.#deps.mends.backUp(examples),
      examples,
      count,
      bytes,
    })
  }

  /** Tables on the disk of which the bucket has no restore point. @param listed directories of which listings of the Python program tell */
  end(listed: ReadonlySet<string>): void {
    const { mends, holds, filter } = this.#deps
    for (const root of this.#roots)
      for (const keyspace of directoriesIn(root))
        for (const directory of directoriesIn(join(root, keyspace)).map(name => join(root, keyspace, name))) {
          const unit = unitOf(directory)
          if (tableOfUnit(unit) === undefined || this.#units.has(unit) || listed.has(directory)) continue
          if (!holds(directory) || filter.skips(directory)) continue
          const sstables = new Sample()
          for (const { path, bytes } of this.#settled(directory)) sstables.add(path, bytes)
          if (sstables.count === 0) continue
          this.findings.push({
            kind: 'no-restore-point',
            severity: 'danger',
            unit,
            message: `${nameOfUnit(unit)}: the bucket has no restore point of it, and the disk has ${counted(sstables.count, 'SSTable')} in ${directory}`,
            mend: mends.backUp(sstables.examples),
            examples: sstables.examples,
            count: sstables.count,
            bytes: sstables.bytes,
          })
        }
  }

  /** Paths of the SSTables that a restore point names; undefined: it cannot be read. */
  async #named(key: string, base: string | undefined): Promise<ReadonlySet<string> | undefined> {
    const { reader } = this.#deps
    const decoded = await reader.read(key)
    if (typeof decoded === 'string') return undefined
    const { state, delta } = decoded
    if (delta === undefined || base === undefined) return new Set(state.sets.keys())
    const full = await reader.read(base)
    if (typeof full === 'string') return undefined
    applyInPlace(full.state, state, delta.removed)
    return new Set(full.state.sets.keys())
  }

  /** SSTables of a directory that are there for the lag, and that no transaction is writing. */
  *#settled(directory: string): Generator<{ readonly path: string; readonly bytes: number }> {
    const names = filesIn(directory)
    const open = new Set(
      names.filter(isTxnLog).flatMap(name => [...parseTxn(textOf(join(directory, name))).adds]),
    )
    for (const name of names) {
      const parsed = isTemporary(name) ? undefined : parseComponent(name)
      if (parsed?.component !== 'Data.db' || open.has(parsed.set)) continue
      if (!this.#deps.filter.file(directory, name)) continue
      const found = statSync(join(directory, name), { throwIfNoEntry: false })
      if (found === undefined || Date.now() - Math.max(found.mtimeMs, found.ctimeMs) < this.#deps.lag)
        continue
      yield { path: join(directory, parsed.set), bytes: found.size }
    }
  }
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    // It is not on this machine, or nobody may look: then nothing is said of it.
    return []
  }
}

function directoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
