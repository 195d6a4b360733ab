import type { Moment } from '../../src/manifest/history.js'
import type { Commit, Lined, Standing } from '../../src/manifest/lineage.js'

/** A set by its name alone. */
export class NamedSet implements Lined {
  readonly path: string
  readonly fresh: boolean

  constructor(path: string, fresh = false) {
    this.path = path
    this.fresh = fresh
  }
}

/** Sets that tests call by one letter, and which of them are in the bucket. */
export class Model {
  readonly #sets = new Map<string, NamedSet>()
  readonly durable = new Set<NamedSet>()
  readonly waived = new Set<NamedSet>()
  #time = 0

  /** The sets of a text like `A B`; a new letter is a new set. */
  sets(names: string): NamedSet[] {
    return names
      .split(' ')
      .filter(name => name !== '')
      .map(name => {
        const set = this.#sets.get(name) ?? new NamedSet(name)
        this.#sets.set(name, set)
        return set
      })
  }

  set(name: string): NamedSet {
    return this.sets(name)[0]!
  }

  /** A commit, one second after the last one: `A B > C`. */
  commit(text: string, kind?: 'end' | 'unexplained'): Commit<NamedSet> {
    const [removes = '', adds = ''] = text.split('>')
    this.#time += 1000
    return {
      adds: this.sets(adds),
      removes: this.sets(removes),
      time: this.#time,
      ...(kind === undefined ? {} : { kind }),
    }
  }

  upload(names: string): void {
    for (const set of this.sets(names)) this.durable.add(set)
  }

  readonly standing = (set: NamedSet): Standing =>
    this.durable.has(set) ? 'durable' : this.waived.has(set) ? 'waived' : 'owed'
}

/** The names of sets, in order. */
export function names(sets: Iterable<Lined> | undefined): string | undefined {
  return (
    sets &&
    [...sets]
      .map(({ path }) => path)
      .sort()
      .join(' ')
  )
}

/** What a test says of a moment. */
export function said(moment: Moment<NamedSet> | undefined): Record<string, unknown> | undefined {
  if (moment === undefined) return undefined
  const { sets, time, gap, unexplained, unprotected } = moment
  return {
    sets: names(sets),
    time,
    ...(gap ? { gap } : {}),
    ...(unexplained.length > 0 ? { unexplained: unexplained.join(' ') } : {}),
    ...(unprotected.length > 0 ? { unprotected: names(unprotected) } : {}),
  }
}
