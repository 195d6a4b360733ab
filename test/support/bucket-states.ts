import { crc64nvme } from 'tablesnap-io'

import { KeyLayout } from '../../src/manifest/keys.js'
import type { Entry, State } from '../../src/manifest/state.js'
import { States } from '../../src/manifest/states.js'
import { hex64 } from '../../src/s3/checksum.js'
import { isS3Error } from '../../src/s3/errors.js'
import { getObject } from '../../src/s3/object.js'

import type { OpenBucket } from './bucket.js'

/** The states of node1 in a bucket. */
export class BucketStates {
  readonly #bucket: OpenBucket
  readonly #keys = new KeyLayout('', 'node1', ':')
  readonly #states: States

  constructor({ bucket }: { readonly bucket: OpenBucket }) {
    this.#bucket = bucket
    this.#states = new States(bucket.client, this.#keys)
  }

  /** All states of a unit, the oldest first. */
  async of(unit: string): Promise<State[]> {
    const states: State[] = []
    for await (const { key } of this.#states.keysOf(unit)) states.unshift(await this.#states.read(key))
    return states
  }

  /** All states of all units. */
  async all(): Promise<State[]> {
    const states: State[] = []
    for await (const unit of this.#states.units()) states.push(...(await this.of(unit)))
    return states
  }

  async newest(unit: string): Promise<State | undefined> {
    return (await this.of(unit)).at(-1)
  }

  /** What is wrong with what states name: objects that are missing, or hold something else. */
  async problems(states: readonly State[]): Promise<string[]> {
    const wrong = new Map<string, string>()
    const checked = new Set<string>()
    for (const state of states) {
      for (const [path, entry] of entriesOf(state)) {
        const key = entry.key ?? this.#keys.file(path)
        const id = `${key} ${entry.crc64 ?? ''}`
        if (checked.has(id)) continue
        checked.add(id)
        const problem = await this.#problem(key, entry)
        if (problem !== undefined) wrong.set(key, problem)
      }
    }
    return [...wrong].map(([key, problem]) => `${key}: ${problem}`)
  }

  async #problem(key: string, { size, crc64 }: Entry): Promise<string | undefined> {
    try {
      const { body } = await getObject(this.#bucket.client, key)
      if (body.length !== size) return `${body.length} bytes, not ${size}`
      return crc64 === hex64(crc64nvme(body)) ? undefined : 'it has other content'
    } catch (error) {
      if (isS3Error(error, 404)) return 'it is missing'
      throw error
    }
  }
}

/** The files that a state names, by path. */
export function entriesOf(state: State): Map<string, Entry> {
  const entries = new Map(state.files)
  for (const [path, { components }] of state.sets) {
    for (const [component, entry] of components) entries.set(`${path}-${component}`, entry)
  }
  return entries
}
