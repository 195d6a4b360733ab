import { gunzipSync } from 'node:zlib'

import { parseStateKey, type KeyLayout } from '../../../src/manifest/keys.js'

import type { ModelObject, ModelStore } from './bucket.js'
import { crcOf, type ModelManifest } from './node.js'

/** A manifest in the bucket, as a restore would read it. */
export interface FoundManifest {
  readonly key: string
  readonly unit: string
  readonly epoch: number
  /** As its key says, ms since 1970. */
  readonly time: number
  /** When the server stored it. */
  readonly stored: number
  readonly isComplete: boolean
  readonly base: string | null
  /** What it and its base name together; undefined: its base is gone. */
  readonly named: ModelManifest['sets'] | undefined
}

const bodies = new WeakMap<ModelObject, ModelManifest>()

function bodyOf(object: ModelObject): ModelManifest {
  let body = bodies.get(object)
  if (body === undefined) {
    body = JSON.parse(gunzipSync(object.body).toString()) as ModelManifest
    bodies.set(object, body)
  }
  return body
}

/** All manifests in the bucket. */
export function manifestsIn(store: ModelStore, keys: KeyLayout): FoundManifest[] {
  const root = keys.states('')
  const found: FoundManifest[] = []
  for (const object of store.objects.values()) {
    if (!object.key.startsWith(root)) continue
    const body = bodyOf(object)
    const parsed = parseStateKey(object.key.slice(root.length))
    if (parsed === undefined) continue
    found.push({
      key: object.key,
      unit: body.unit,
      epoch: body.epoch,
      time: parsed.time,
      stored: object.lastModified,
      isComplete: body.unprotected.length === 0,
      base: body.base,
      named: namedBy(store, body),
    })
  }
  return found
}

function namedBy(
  store: ModelStore,
  { base, removed, sets }: ModelManifest,
): ModelManifest['sets'] | undefined {
  if (base === null) return sets
  const below = store.objects.get(base)
  if (below === undefined) return undefined
  const all = { ...bodyOf(below).sets }
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- it is a map in JSON
  for (const path of removed) delete all[path]
  return { ...all, ...sets }
}

/** What manifests in the bucket cannot be restored with: each can be, bit for bit, at every moment. */
export function lossesIn(store: ModelStore, keys: KeyLayout): string[] {
  const losses: string[] = []
  for (const { key, named } of manifestsIn(store, keys)) {
    if (named === undefined) losses.push(`${key} has lost its base`)
    for (const [path, entries] of Object.entries(named ?? {}))
      for (const [component, entry] of Object.entries(entries)) {
        const held = store.objects.get(entry.key ?? keys.file(`${path}-${component}`))
        if (held === undefined) losses.push(`${key} has lost ${path}-${component}`)
        else if (crcOf(held.body.toString()) !== entry.crc64)
          losses.push(`${key} names other content than ${path}-${component} has`)
      }
  }
  return losses
}
