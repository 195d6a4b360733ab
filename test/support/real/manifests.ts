import { gunzipSync } from 'node:zlib'
import type { Bucket } from './bucket.js'

/** A file as a manifest names it. */
export interface Named {
  readonly key: string
  readonly size: number
  readonly crc64: string | undefined
}

/** A state of a unit, a delta and its base put together. */
export interface Manifest {
  readonly key: string
  readonly unit: string
  /** As it is written. */
  readonly time: string
  readonly restorable: boolean
  readonly unprotected: readonly string[]
  readonly unexplained: readonly string[]
  readonly gap: boolean
  /** By path without the component, then by component. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, Named>>
  readonly files: ReadonlyMap<string, Named>
}

interface Json {
  readonly unit: string
  readonly time: string
  readonly base: string | null
  readonly gap: boolean
  readonly unexplained: string[]
  readonly unprotected: string[]
  readonly removed: string[]
  readonly sets: Record<string, Record<string, Partial<Named> | boolean>>
  readonly files: Record<string, Partial<Named>>
}

/** The manifests of a bucket, read by the tests' own reader. */
export class Manifests {
  readonly #bucket: Bucket
  readonly #name: string
  readonly #read = new Map<string, Promise<Json>>()

  constructor(bucket: Bucket, name: string) {
    this.#bucket = bucket
    this.#name = name
  }

  /** All states, of each unit the oldest first. */
  async all(): Promise<Manifest[]> {
    const keys = [...(await this.#bucket.list(`.tablesnap/${this.#name}/states/`)).keys()]
    return Promise.all(keys.toReversed().map(async key => this.#manifest(key)))
  }

  /** The newest state of every unit. */
  async newest(): Promise<Map<string, Manifest>> {
    const newest = new Map<string, string>()
    for (const key of (await this.#bucket.list(`.tablesnap/${this.#name}/states/`)).keys()) {
      const unit = key.slice(0, key.lastIndexOf('/'))
      if (!newest.has(unit)) newest.set(unit, key)
    }
    const manifests = await Promise.all([...newest.values()].map(async key => this.#manifest(key)))
    return new Map(manifests.map(manifest => [manifest.unit, manifest]))
  }

  async #manifest(key: string): Promise<Manifest> {
    const own = await this.#get(key)
    const { unit, time, gap, unprotected, unexplained } = own
    const sets = new Map<string, ReadonlyMap<string, Named>>()
    const files = new Map<string, Named>()
    const layers = own.base === null ? [own] : [await this.#get(own.base), own]
    for (const layer of layers) {
      for (const path of layer.removed) {
        sets.delete(path)
        files.delete(path)
      }
      for (const [path, set] of Object.entries(layer.sets)) {
        const components = Object.entries(set).flatMap(([name, entry]) =>
          typeof entry === 'boolean' ? [] : [[name, this.#named(`${path}-${name}`, entry)] as const],
        )
        sets.set(path, new Map(components))
      }
      for (const [path, entry] of Object.entries(layer.files)) files.set(path, this.#named(path, entry))
    }
    const restorable = unprotected.length === 0 && unexplained.length === 0
    return { key, unit, time, restorable, unprotected, unexplained, gap, sets, files }
  }

  #named(path: string, { key, size, crc64 }: Partial<Named>): Named {
    if (size === undefined) throw new Error(`${path} has no size`)
    return { key: key ?? `${this.#name}:${path}`, size, crc64 }
  }

  async #get(key: string): Promise<Json> {
    let json = this.#read.get(key)
    if (json === undefined) {
      json = this.#bucket.get(key).then(body => JSON.parse(gunzipSync(body).toString()) as Json)
      this.#read.set(key, json)
    }
    return json
  }
}
