import { tableOfUnit, unitOf } from '../cassandra/unit.js'
import type { Epochs } from '../manifest/epochs.js'
import { parseKeyPath } from '../manifest/key-path.js'
import { KeySet } from '../manifest/key-set.js'
import type { KeyLayout } from '../manifest/keys.js'
import { counted } from '../report/format.js'
import { isArchive } from '../restore/read/archived.js'
import type { ChopScope } from '../retention/scope.js'

import type { CheckBucket } from './check-bucket.js'
import type { ContentCheck } from './content-check.js'
import { Sample, type Finding } from './finding.js'
import type { Mends } from './mends.js'
import { momentsOf } from './moments.js'
import { surveyPlain } from './plain-directory.js'
import { findingsOfPlain, momentsOfListings } from './plain-findings.js'
import { ManifestReader } from './restore-points.js'
import { UnitCheck, type UnitSurvey } from './unit-check.js'
import { findingsOf, type UnitReport } from './unit-findings.js'

/** The parts that a check of a node works with. */
export interface NodeDeps {
  readonly bucket: CheckBucket
  readonly keys: KeyLayout
  readonly epochs: Epochs
  readonly scope: ChopScope
  readonly contents: ContentCheck
  readonly mends: Mends
}

/** Told of each table as it was surveyed. */
export type UnitListener = (survey: UnitSurvey, broken: ReadonlySet<string>) => void | Promise<void>

/** The tables of a node in the bucket. */
export interface NodeReport {
  readonly findings: readonly Finding[]
  /** Tables and other directories, by name. */
  readonly units: readonly UnitReport[]
  /** The highest epoch of a manifest; 0: there is none. */
  readonly epoch: number
}

/**
 * Goes through what a node has in the bucket, directory by directory, and compares it with its restore points, table by table.
 * Memory holds one table at a time: what its restore points name, and one page of a LIST. Of the whole node it holds the tables'
 * names and, for hardlinks, hashes of the keys that snapshots name outside of their own directories.
 */
export class NodeCheck {
  readonly #deps: NodeDeps
  readonly #onUnit: UnitListener
  readonly #reader: ManifestReader
  readonly #findings: Finding[] = []
  readonly #units: UnitReport[] = []
  /** Units with manifests that are still to be looked at. */
  readonly #waiting = new Set<string>()
  /** Directories that were listed. */
  readonly #seen = new Set<string>()
  readonly #linked = new KeySet()
  readonly #foreign = new Sample()
  #epoch = 0
  #hasVersions = false

  constructor(deps: NodeDeps, onUnit: UnitListener = () => undefined) {
    this.#deps = deps
    this.#onUnit = onUnit
    this.#reader = new ManifestReader(deps.bucket, deps.keys, deps.epochs)
  }

  /** @throws S3Error; TablesnapError `LIST_UNSORTED` */
  async run(): Promise<NodeReport> {
    const { keys, scope } = this.#deps
    await this.#gather()
    const root = scope.path === '/' ? '' : `${scope.path}/`
    await this.#walk(`${keys.files}${root}`, keys.files.length)
    // The bucket has no object of them, or they lie elsewhere.
    for (const unit of [...this.#waiting].sort()) if (await this.#isMeant(unit)) await this.#unit(unit, [])
    await this.#restOfVersions()
    this.#tellForeign()
    this.#units.sort((a, b) => (a.unit < b.unit ? -1 : 1))
    return { findings: this.#findings, units: this.#units, epoch: this.#epoch }
  }

  /** Which units have manifests, and which objects of others snapshots name. */
  async #gather(): Promise<void> {
    const { bucket, keys } = this.#deps
    for await (const { objects } of bucket.pages({ prefix: keys.states('') }))
      for (const object of objects) {
        const key = this.#reader.keyOf(object)
        if (key === undefined) {
          this.#foreign.add(object.key, object.size)
          continue
        }
        this.#epoch = Math.max(this.#epoch, key.facts?.epoch ?? 0)
        if (this.#waiting.has(key.unit)) continue
        this.#waiting.add(key.unit)
        if (tableOfUnit(key.unit) === undefined) await this.#readLinks(key.unit)
      }
    for await (const { objects, prefixes } of bucket.pages({ prefix: keys.versions, delimiter: '/' })) {
      this.#hasVersions ||= objects.length + prefixes.length > 0
      if (this.#hasVersions) break
    }
  }

  async #readLinks(unit: string): Promise<void> {
    await this.#reader.readAll(unit, ({ state: { sets, files } }) => {
      for (const { components } of sets.values())
        for (const { key } of components.values()) if (key !== undefined) this.#linked.add(key)
      for (const { key } of files.values()) if (key !== undefined) this.#linked.add(key)
    })
  }

  /** @param root a prefix that ends a directory @param skip length of what comes before the path in the keys */
  async #walk(root: string, skip: number): Promise<void> {
    const open = [root]
    for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
      if (this.#seen.has(prefix)) continue
      // The prefix is that of a directory, less a file's name.
      const place = parseKeyPath(`${prefix.slice(skip)}x`)
      if (typeof place === 'string') {
        await this.#countForeign(prefix)
        continue
      }
      const { directory } = place
      const unit = unitOf(directory)
      if (this.#waiting.has(unit)) open.push(...(await this.#unit(unit, [directory])))
      if (this.#seen.has(prefix)) continue
      open.push(...(await this.#plain(prefix, directory)))
    }
  }

  async #plain(prefix: string, directory: string): Promise<readonly string[]> {
    const { bucket, mends } = this.#deps
    this.#seen.add(prefix)
    const survey = await surveyPlain(bucket, prefix, directory, ({ storageClass }) =>
      isArchive(storageClass) ? storageClass : undefined,
    )
    if (survey.objects > 0) {
      this.#findings.push(...findingsOfPlain(survey, mends))
      const moments = momentsOfListings(survey) ?? NONE
      this.#units.push({ unit: directory, objects: survey.objects, bytes: survey.bytes, ...moments })
    }
    return survey.below
  }

  /** Whether a unit has a directory below the path, as its newest restore point tells. */
  async #isMeant(unit: string): Promise<boolean> {
    const { scope } = this.#deps
    if (scope.path === '/') return true
    for await (const { key } of this.#reader.keysOf(unit)) {
      const decoded = await this.#reader.read(key)
      if (typeof decoded === 'string') continue
      return [...decoded.state.directories.keys()].some(directory => scope.holds(directory))
    }
    return false
  }

  /** @returns prefixes of the directories below its own */
  async #unit(unit: string, directories: readonly string[]): Promise<readonly string[]> {
    const { bucket, keys, scope, contents, mends } = this.#deps
    this.#waiting.delete(unit)
    const check = new UnitCheck(unit, {
      bucket,
      keys,
      reader: this.#reader,
      contents,
      node: {
        hasVersions: this.#hasVersions,
        isNamedElsewhere: key => this.#linked.has(key),
        holds: directory => scope.holds(directory),
      },
    })
    const survey = await check.run(directories)
    for (const directory of survey.names.directories) {
      this.#seen.add(`${keys.files}${directory}/`)
      this.#seen.add(`${keys.versions}${directory.slice(1)}/`)
    }
    if (!survey.names.directories.some(directory => scope.holds(directory))) return survey.below
    const { points, damage } = survey
    const { broken, keys: named } = damage.isEmpty
      ? { broken: new Set<string>(), keys: new Set<string>() }
      : await damage.pointsOf(this.#reader, points, keys.files)
    const full = new Set(
      points.filter(({ base, kind }) => kind !== undefined && base === undefined).map(({ key }) => key),
    )
    const moments = momentsOf(
      points,
      ({ key, base }) => !broken.has(key) && (base === undefined || full.has(base)),
    )
    // tablechop may have deleted restore points, with what only they named, since they were read.
    const isGone = !damage.isEmpty && named.size === 0
    if (!isGone) {
      this.#findings.push(...findingsOf({ survey, moments, broken, mends }))
      await this.#onUnit(survey, broken)
    }
    this.#units.push({ unit, objects: survey.objects, bytes: survey.bytes, ...moments })
    return survey.below
  }

  /** Other contents of files, in directories of which no restore point tells. */
  async #restOfVersions(): Promise<void> {
    const { bucket, keys, scope, mends } = this.#deps
    if (!this.#hasVersions) return
    const root = scope.path === '/' ? '' : `${scope.path.slice(1)}/`
    const orphans = new Sample()
    const open = [`${keys.versions}${root}`]
    for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
      const isSeen = this.#seen.has(prefix)
      for await (const { objects, prefixes } of bucket.pages({ prefix, delimiter: '/' })) {
        open.push(...prefixes)
        if (isSeen) continue
        for (const { key, size } of objects)
          if (keys.pathOf(key) === undefined) this.#foreign.add(key, size)
          else if (!this.#linked.has(key)) orphans.add(key, size)
      }
    }
    if (orphans.count === 0) return
    const { count, bytes, examples, text } = orphans
    const message = `${counted(count, 'object')} of directories that have no restore point (${text})`
    this.#findings.push({
      kind: 'orphans',
      severity: 'note',
      message,
      mend: mends.chop(),
      examples,
      count,
      bytes,
    })
  }

  async #countForeign(prefix: string): Promise<void> {
    for await (const { objects } of this.#deps.bucket.pages({ prefix }))
      for (const { key, size } of objects) this.#foreign.add(key, size)
  }

  #tellForeign(): void {
    const { count, bytes, examples, text } = this.#foreign
    if (count === 0) return
    this.#findings.push({
      kind: 'foreign-keys',
      severity: 'note',
      message: `another program wrote ${counted(count, 'key')} among the node's, which are those of no file and no manifest (${text})`,
      mend: `look at them, and delete them: ${this.#deps.mends.remove(examples[0] ?? '')}`,
      examples,
      count,
      bytes,
    })
  }
}

const NONE = {
  points: 0,
  restorable: 0,
  newest: undefined,
  newestRestorable: undefined,
  oldestRestorable: undefined,
  longestGap: undefined,
} as const
