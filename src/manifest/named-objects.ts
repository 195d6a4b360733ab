import { setImmediate as nextTurn } from 'node:timers/promises'

import { compareKeys } from './key-order.js'
import type { KeyLayout } from './keys.js'
import { SLICE } from './manifest.js'
import type { Entry, State } from './state.js'

/** An object as a manifest names it. */
export interface NamedObject {
  readonly key: string
  /** The unit whose manifest names it. */
  readonly unit: string
  /** The file whose content it holds. */
  readonly path: string
  /** The path of the SSTable that the file belongs to; undefined: it belongs to none. */
  readonly sstable: string | undefined
  readonly entry: Entry
}

/** Items of one manifest, sorted: paths of SSTables and files, or objects whose keys are not made of their paths. */
interface Run {
  readonly state: State
  readonly items: readonly (string | NamedObject)[]
  next: number
}

/** One place in the order of keys: an object, or an SSTable, whose objects all come after its path. */
interface Place {
  readonly order: string
  readonly object: NamedObject | undefined
  /** The run that goes on after it. */
  readonly run: Run | undefined
}

/** Items that are sorted in one go: the thread is busy with them for less than a millisecond. */
const RUN = 1_000

/** Both parts of the bucket in which the objects of files lie. */
export interface ObjectNames {
  readonly files: NamedObjects
  readonly versions: NamedObjects
}

/**
 * The objects that manifests name below one prefix, in the order in which a LIST shows keys. They are made when they are
 * asked for: besides the manifests, memory holds one reference for each SSTable.
 */
export class NamedObjects {
  /** The common prefix of their keys. */
  readonly prefix: string
  /** A heap: each place comes before the two at twice its index. */
  readonly #places: Place[] = []

  private constructor(prefix: string, runs: readonly Run[]) {
    this.prefix = prefix
    for (const run of runs) this.#goOn(run)
  }

  /** Prepares the names of some manifests, in slices of the thread's time. */
  static async of(states: Iterable<State>, keys: KeyLayout): Promise<ObjectNames> {
    const files: Run[] = []
    const versions: Run[] = []
    let began = performance.now()
    const rest = async (): Promise<void> => {
      if (performance.now() - began < SLICE) return
      await nextTurn()
      began = performance.now()
    }
    for (const state of states) {
      const paths = new Sorter(state, files, compareKeys)
      const [plain, other] = [files, versions].map(
        runs => new Sorter<NamedObject>(state, runs, (a, b) => compareKeys(a.key, b.key)),
      )
      for (const object of withKeys(state)) {
        if (object.key.startsWith(keys.versions)) other?.add(object)
        else if (object.key.startsWith(keys.files)) plain?.add(object)
        await rest()
      }
      for (const named of [state.sets, state.files])
        for (const path of named.keys()) {
          // A path stands for all that the manifest names under it.
          if (named === state.sets || !state.sets.has(path)) paths.add(path)
          await rest()
        }
      for (const sorter of [paths, plain, other]) sorter?.end()
    }
    return {
      files: new NamedObjects(keys.files, files),
      versions: new NamedObjects(keys.versions, versions),
    }
  }

  /** The objects of the next key: more than one where hardlinks share it. Undefined at the end. */
  next(): readonly [NamedObject, ...NamedObject[]] | undefined {
    let objects: [NamedObject, ...NamedObject[]] | undefined
    let order: string | undefined
    for (let place = this.#places[0]; place !== undefined; place = this.#places[0]) {
      if (order !== undefined && place.order !== order) break
      this.#takeFirst()
      const { object, run } = place
      if (run !== undefined) this.#goOn(run)
      if (object === undefined) continue
      order = place.order
      if (objects === undefined) objects = [object]
      else objects.push(object)
    }
    return objects
  }

  /** Puts the next item of a run into the heap; with a path, the objects of it. */
  #goOn(run: Run): void {
    const item = run.items[run.next++]
    if (item === undefined) return
    if (typeof item !== 'string') {
      this.#add({ order: this.#orderOf(item.key), object: item, run })
      return
    }
    this.#add({ order: item, object: undefined, run })
    for (const object of plainOf(run.state, item, this.prefix))
      this.#add({ order: this.#orderOf(object.key), object, run: undefined })
  }

  /** The prefix that all keys share does not count. */
  #orderOf(key: string): string {
    return key.slice(this.prefix.length)
  }

  #add(place: Place): void {
    const places = this.#places
    let index = places.length
    while (index > 0) {
      const above = (index - 1) >> 1
      const other = places[above]
      if (other === undefined || compareKeys(other.order, place.order) <= 0) break
      places[index] = other
      index = above
    }
    places[index] = place
  }

  #takeFirst(): void {
    const places = this.#places
    const last = places.pop()
    if (last === undefined || places.length === 0) return
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      const [left, right] = [places[below], places[below + 1]]
      if (left === undefined) break
      if (right !== undefined && compareKeys(right.order, left.order) < 0) below++
      const next = places[below]
      if (next === undefined || compareKeys(last.order, next.order) <= 0) break
      places[index] = next
      index = below
    }
    places[index] = last
  }
}

/** Cuts items into sorted runs. */
class Sorter<T extends string | NamedObject> {
  #items: T[] = []

  constructor(
    private readonly state: State,
    private readonly runs: Run[],
    private readonly compare: (a: T, b: T) => number,
  ) {}

  add(item: T): void {
    if (this.#items.push(item) >= RUN) this.end()
  }

  end(): void {
    if (this.#items.length > 0)
      this.runs.push({ state: this.state, items: this.#items.sort(this.compare), next: 0 })
    this.#items = []
  }
}

/** The objects of a manifest whose keys are not made of their paths. */
function* withKeys({ unit, sets, files }: State): Generator<NamedObject> {
  for (const [sstable, { components }] of sets)
    for (const [component, entry] of components)
      if (entry.key !== undefined)
        yield { key: entry.key, unit, path: `${sstable}-${component}`, sstable, entry }
  for (const [path, entry] of files)
    if (entry.key !== undefined) yield { key: entry.key, unit, path, sstable: undefined, entry }
}

/** The objects of an SSTable, or of a file that belongs to none, whose keys are made of their paths. */
function* plainOf({ unit, sets, files }: State, path: string, prefix: string): Generator<NamedObject> {
  const make = (name: string, sstable: string | undefined, entry: Entry): NamedObject => ({
    key: `${prefix}${name}`,
    unit,
    path: name,
    sstable,
    entry,
  })
  for (const [component, entry] of sets.get(path)?.components ?? [])
    if (entry.key === undefined) yield make(`${path}-${component}`, path, entry)
  const file = files.get(path)
  if (file !== undefined && file.key === undefined) yield make(path, undefined, file)
}
