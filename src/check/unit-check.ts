import { differences, standingOf } from '../manifest/bucket-comparison.js'
import type { KeyLayout } from '../manifest/keys.js'
import { NamedObjects } from '../manifest/named-objects.js'
import { isArchive } from '../restore/read/archived.js'
import { Reads } from '../retention/reads.js'
import type { ListedObject } from '../s3/list.js'

import type { CheckBucket } from './check-bucket.js'
import type { ContentCheck } from './content-check.js'
import { Damage, type Flaw } from './damage.js'
import {
  FilteredNames,
  compareDirectory,
  isDirectlyIn,
  type Compared,
  type NameSource,
  type Names,
} from './directory-comparison.js'
import { Sample } from './finding.js'
import { FormerListings } from './former-listings.js'
import type { ManifestReader, Point } from './restore-points.js'
import { UnitNames } from './unit-names.js'

/** Objects that are asked for by HEAD at once. */
const AT_ONCE = 8

/** All that was seen of one table, or other directory with restore points. */
export interface UnitSurvey {
  readonly unit: string
  /** As readers take them: the first one is the newest. */
  readonly points: readonly Point[]
  readonly names: UnitNames
  readonly damage: Damage
  /** Flawed objects, by flaw; `other` are of another size, or have other content. */
  readonly samples: Readonly<Record<Flaw, Sample>>
  readonly archive: string | undefined
  /** Objects that no restore point names, and that are older than the newest one. */
  readonly orphans: Sample
  /** Its objects in the bucket. */
  readonly objects: number
  readonly bytes: number
  /** Prefixes of keys in directories below its own. */
  readonly below: readonly string[]
}

/** The parts that a survey of a table works with. */
export interface UnitDeps {
  readonly bucket: CheckBucket
  readonly keys: KeyLayout
  readonly reader: ManifestReader
  readonly contents: ContentCheck
  readonly node: WholeNode
}

/** Facts of the whole node that the check of one table needs. */
export interface WholeNode {
  /** Whether the bucket has objects below versions/. */
  readonly hasVersions: boolean
  /** Whether another unit's restore point names a key: hardlinks in snapshots name the table's objects. */
  isNamedElsewhere(key: string): boolean
  /** Whether a directory is meant. */
  holds(directory: string): boolean
}

/** Compares the restore points of one table with its objects; memory holds what this one table's restore points name. */
export class UnitCheck {
  readonly #deps: UnitDeps
  readonly #names: UnitNames
  readonly #damage = new Damage()
  readonly #samples = { missing: new Sample(), other: new Sample(), archived: new Sample() }
  readonly #orphans = new Sample()
  readonly #below: string[] = []
  readonly #heads = new Reads(AT_ONCE)
  #archive: string | undefined
  #objects = 0
  #bytes = 0
  #newest = -Infinity
  #oldest = Infinity
  /** The last key that a restore point names: the listing of the Python program's kind that follows belongs to it. */
  #lastNamed = ''

  constructor(
    private readonly unit: string,
    deps: UnitDeps,
  ) {
    this.#deps = deps
    this.#names = new UnitNames(unit)
  }

  /** @param directories where it has objects, beside those that its restore points name @throws S3Error; TablesnapError `LIST_UNSORTED` */
  async run(directories: readonly string[]): Promise<UnitSurvey> {
    const { reader, keys, node } = this.#deps
    for (const directory of directories) this.#names.addDirectory(directory)
    const points = await reader.readAll(this.unit, ({ state }) => {
      this.#names.add(state)
      for (const directory of state.directories.keys()) this.#names.addDirectory(directory)
    })
    this.#newest = Math.max(...points.map(({ stored }) => stored))
    this.#oldest = Math.min(...points.map(({ stored }) => stored))
    for (const directory of this.#names.directories) {
      if (!node.holds(directory)) continue
      await this.#directory(directory, `${keys.files}${directory}/`, 'files')
      const versions = `${keys.versions}${directory.slice(1)}/`
      const { versions: named } = await NamedObjects.of(this.#names.of(directory), keys)
      if (node.hasVersions || named.next() !== undefined)
        await this.#directory(directory, versions, 'versions')
    }
    await this.#heads.end()
    await this.#deps.contents.end()
    return {
      unit: this.unit,
      points,
      names: this.#names,
      damage: this.#damage,
      samples: this.#samples,
      archive: this.#archive,
      orphans: this.#orphans,
      objects: this.#objects,
      bytes: this.#bytes,
      below: this.#below,
    }
  }

  async #directory(directory: string, prefix: string, part: 'files' | 'versions'): Promise<void> {
    const { bucket, keys } = this.#deps
    const source = async (): Promise<NameSource> =>
      (await NamedObjects.of(this.#names.of(directory), keys))[part]
    const former = new FormerListings(bucket, directory, this.#oldest)
    const inside = new FilteredNames(await source(), ({ key }) => isDirectlyIn(key, prefix))
    const orphans = new Sample()
    for await (const compared of compareDirectory(bucket.pages({ prefix, delimiter: '/' }), inside))
      await this.#take(compared, former, orphans)
    const isKept = part === 'files' ? await former.read() : undefined
    if (isKept === undefined) this.#orphans.addAll(orphans)
    else await this.#countOrphans(directory, prefix, isKept)
    await this.#elsewhere(
      new FilteredNames(await source(), ({ key }) => !isDirectlyIn(key, prefix)),
      part === 'files' ? keys.files : keys.versions,
    )
  }

  async #take(compared: Compared, former: FormerListings, orphans: Sample): Promise<void> {
    if (compared.kind === 'below') this.#below.push(compared.prefix)
    else if (compared.kind === 'missing') {
      this.#lastNamed = compared.key
      await this.#suspect(compared.key, compared.names)
    } else {
      const { object } = compared
      this.#objects++
      this.#bytes += object.size
      if (compared.kind === 'unnamed') {
        if (former.takes(object)) return
        if (this.#isOrphan(object)) orphans.add(object.key, object.size)
        return
      }
      this.#lastNamed = object.key
      if (compared.kind === 'other-size') await this.#suspect(object.key, compared.names)
      else await this.#present(object, compared.names)
    }
  }

  /** One that is younger than the newest restore point may be named by the next one. */
  #isOrphan({ key, lastModified }: ListedObject): boolean {
    if (lastModified >= this.#newest || this.#deps.node.isNamedElsewhere(key)) return false
    return key !== `${this.#lastNamed}${FormerListings.SUFFIX}`
  }

  async #present(object: ListedObject, names: Names): Promise<void> {
    const { key, storageClass } = object
    const { contents, node } = this.#deps
    const onFlaw = (flaw: Flaw): void => {
      if (flaw === 'archived') this.#archive ??= storageClass
      this.#flaw(flaw, key, names)
    }
    if (isArchive(storageClass)) onFlaw('archived')
    else await contents.take(object, names, node.isNamedElsewhere(key), onFlaw)
  }

  /** A LIST may lag behind: HEAD decides. */
  async #suspect(key: string, names: Names): Promise<void> {
    await this.#heads.begin(async () => {
      const info = await this.#deps.bucket.head(key)
      const standings = names.map(({ entry }) => standingOf(info, entry))
      if (standings.includes('missing')) this.#flaw('missing', key, names)
      else if (standings.includes('other')) this.#flaw('other', key, names)
    })
  }

  #flaw(flaw: Flaw, key: string, names: Names): void {
    this.#samples[flaw].add(key, names[0].entry.size)
    this.#damage.add(flaw, names)
  }

  /** Objects of other directories that are named: those of the table, by a snapshot's hardlinks. */
  async #elsewhere(source: NameSource, prefix: string): Promise<void> {
    const list = (startAfter: string) =>
      this.#deps.bucket.pages({ prefix, ...(startAfter === '' ? {} : { startAfter }) })
    // Its directory's own check does not look at one that no restore point of the table names any more.
    const found = differences(source, list, () => true)
    for await (const { key, names, suspect } of found)
      await (suspect === undefined ? this.#suspect(key, names) : this.#present(suspect, names))
  }

  /** A second look, once it is known which objects the Python program's listings name. */
  async #countOrphans(directory: string, prefix: string, isKept: (name: string) => boolean): Promise<void> {
    const { bucket, keys } = this.#deps
    const names = (await NamedObjects.of(this.#names.of(directory), keys)).files
    const inside = new FilteredNames(names, ({ key }) => isDirectlyIn(key, prefix))
    this.#lastNamed = ''
    for await (const compared of compareDirectory(bucket.pages({ prefix, delimiter: '/' }), inside)) {
      if (compared.kind === 'missing') this.#lastNamed = compared.key
      if (compared.kind === 'present' || compared.kind === 'other-size') this.#lastNamed = compared.object.key
      if (compared.kind !== 'unnamed') continue
      const { object } = compared
      if (isKept(object.key.slice(prefix.length)) || !this.#isOrphan(object)) continue
      this.#orphans.add(object.key, object.size)
    }
  }
}
