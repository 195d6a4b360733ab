import { dirname } from 'node:path'

import type { Entry, State, StateSet } from '../manifest/state.js'

/** The maps of a layer, which this file fills. */
interface Layer extends State {
  readonly sets: Map<string, StateSet>
  readonly files: Map<string, Entry>
}

/**
 * All that the restore points of one table, or other directory, name together. An SSTable that many restore points name is held
 * once. What they say differently of one path goes into layers: each layer is a `State` that names a path once, so that
 * `NamedObjects` can put the keys of all layers in order.
 */
export class UnitNames {
  readonly #unit: string
  readonly #layers = new Map<string, Layer[]>()

  constructor(unit: string) {
    this.#unit = unit
  }

  /** The directories in which named files lie, or that were added. */
  get directories(): string[] {
    return [...this.#layers.keys()].sort()
  }

  /** The files of one directory that restore points name. */
  of(directory: string): readonly State[] {
    return this.#layers.get(directory) ?? []
  }

  /** All that is named. */
  *all(): Generator<State> {
    for (const layers of this.#layers.values()) yield* layers
  }

  addDirectory(directory: string): void {
    if (!this.#layers.has(directory)) this.#layers.set(directory, [])
  }

  /** Adds what a manifest itself names; a delta's base adds the rest. */
  add({ sets, files }: Pick<State, 'sets' | 'files'>): void {
    for (const [path, set] of sets) {
      const layer = this.#layerFor(path, layer => {
        const known = layer.sets.get(path)
        return known === undefined ? 'free' : isSameSet(known, set) ? 'known' : 'taken'
      })
      layer?.sets.set(path, set)
    }
    for (const [path, entry] of files) {
      const layer = this.#layerFor(path, layer => {
        const known = layer.files.get(path)
        return known === undefined ? 'free' : isSameEntry(known, entry) ? 'known' : 'taken'
      })
      layer?.files.set(path, entry)
    }
  }

  /** The first layer in which a path is free; undefined: one says the same already. */
  #layerFor(path: string, place: (layer: Layer) => 'free' | 'known' | 'taken'): Layer | undefined {
    const directory = dirname(path)
    let layers = this.#layers.get(directory)
    if (layers === undefined) this.#layers.set(directory, (layers = []))
    for (const layer of layers) {
      const found = place(layer)
      if (found === 'known') return undefined
      if (found === 'free') return layer
    }
    const layer = emptyLayer(this.#unit)
    layers.push(layer)
    return layer
  }
}

function emptyLayer(unit: string): Layer {
  return {
    node: '',
    epoch: 0,
    unit,
    time: 0,
    gap: false,
    unexplained: [],
    sets: new Map(),
    files: new Map(),
    unprotected: [],
    directories: new Map(),
  }
}

function isSameSet(a: StateSet, b: StateSet): boolean {
  if (a.components.size !== b.components.size) return false
  for (const [component, entry] of a.components) {
    const other = b.components.get(component)
    if (other === undefined || !isSameEntry(entry, other)) return false
  }
  return true
}

/** Whether two manifests mean the same object. */
function isSameEntry(a: Entry, b: Entry): boolean {
  return a.size === b.size && a.crc64 === b.crc64 && a.key === b.key
}
