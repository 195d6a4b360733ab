import type { DecodedState } from '../manifest/manifest-decode.js'
import type { NamedObject } from '../manifest/named-objects.js'

import type { ManifestReader, Point } from './restore-points.js'

/** The damage of an object that restore points name. */
export type Flaw = 'missing' | 'other' | 'archived'

/**
 * The objects of one table that are not as restore points need them. They are found by a LIST of the table's directories; which of
 * the restore points they break is only asked then, by reading the manifests once more.
 */
export class Damage {
  /** By the path of the SSTable, or of a file that belongs to none, with the keys that are meant. */
  readonly #flaws = new Map<string, Map<string, Flaw>>()
  readonly counts: Record<Flaw, number> = { missing: 0, other: 0, archived: 0 }

  get isEmpty(): boolean {
    return this.#flaws.size === 0
  }

  add(flaw: Flaw, names: readonly NamedObject[]): void {
    this.counts[flaw]++
    for (const { key, path, sstable } of names) {
      const about = this.#flaws.get(sstable ?? path)
      if (about === undefined) this.#flaws.set(sstable ?? path, new Map([[key, flaw]]))
      else about.set(key, flaw)
    }
  }

  /** The keys that are meant. */
  get keys(): Set<string> {
    return new Set([...this.#flaws.values()].flatMap(about => [...about.keys()]))
  }

  /**
   * The restore points that cannot be restored whole.
   * @param plain what the keys of files begin with
   * @returns the broken ones, and the keys that a restore point still names: one may have been deleted meanwhile
   * @throws S3Error
   */
  async pointsOf(
    reader: ManifestReader,
    points: readonly Point[],
    plain: string,
  ): Promise<{ readonly broken: ReadonlySet<string>; readonly keys: ReadonlySet<string> }> {
    const broken = new Set<string>()
    const keys = new Set<string>()
    /** By full manifest: the damaged paths that it names. */
    const bases = new Map<string, Promise<ReadonlySet<string>>>()
    const pathsOf = (decoded: DecodedState): Set<string> => {
      const paths = new Set<string>()
      for (const [path, about] of this.#flaws) {
        for (const key of keysIn(decoded, path, plain)) {
          if (!about.has(key)) continue
          paths.add(path)
          keys.add(key)
        }
      }
      return paths
    }
    const baseOf = (key: string): Promise<ReadonlySet<string>> => {
      let base = bases.get(key)
      if (base === undefined) {
        base = reader
          .read(key)
          .then(decoded => (typeof decoded === 'string' ? new Set<string>() : pathsOf(decoded)))
        bases.set(key, base)
      }
      return base
    }
    for (const { key, kind } of points) {
      if (kind === undefined) continue
      const decoded = await reader.read(key)
      if (typeof decoded === 'string') continue
      const { delta, state } = decoded
      const own = pathsOf(decoded)
      if (own.size > 0) broken.add(key)
      if (delta === undefined) continue
      const gone = new Set(delta.removed)
      for (const path of await baseOf(delta.base))
        if (!gone.has(path) && !state.sets.has(path) && !state.files.has(path)) broken.add(key)
    }
    return { broken, keys }
  }
}

/** The keys that a manifest gives to an SSTable, or a file. */
function* keysIn({ state }: DecodedState, path: string, plain: string): Generator<string> {
  for (const [component, { key }] of state.sets.get(path)?.components ?? [])
    yield key ?? `${plain}${path}-${component}`
  const file = state.files.get(path)
  if (file !== undefined) yield file.key ?? `${plain}${path}`
}
