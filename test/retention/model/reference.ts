import { dirname } from 'node:path'

import type { KeyLayout } from '../../../src/manifest/keys.js'

import type { ModelObject, ModelStore } from './bucket.js'
import { manifestsIn, type FoundManifest } from './manifests.js'
import { unitAt } from './node.js'

/** What a run of tablechop was asked, for the reference. */
export interface Asked {
  readonly cutoff: number
  /** A directory, with a slash behind it: all below it. */
  readonly scope: string
  readonly last: number | undefined
  readonly daily: number | undefined
}

/** The rule once more, written down from its description alone: all at once, and without a thought for memory. */
export class Reference {
  readonly kept = new Set<string>()
  readonly #named = new Set<string>()
  readonly #points = new Map<string, FoundManifest[]>()

  constructor(
    readonly store: ModelStore,
    readonly keys: KeyLayout,
    readonly asked: Asked,
  ) {
    for (const one of manifestsIn(store, keys))
      this.#points.set(one.unit, [...(this.#points.get(one.unit) ?? []), one])
    for (const [unit, points] of this.#points)
      for (const key of this.#keptOf(unit, points)) this.kept.add(key)
    for (const points of this.#points.values())
      for (const point of points)
        if (this.kept.has(point.key))
          for (const [path, entries] of Object.entries(point.named ?? {}))
            for (const [component, { key }] of Object.entries(entries))
              this.#named.add(key ?? keys.file(`${path}-${component}`))
  }

  /** Whether the rule lets an object go. */
  mayGo(object: ModelObject): boolean {
    if (object.key.startsWith(this.keys.states(''))) return !this.kept.has(object.key)
    const path = this.keys.pathOf(object.key)
    if (path === undefined) return false
    const directory = dirname(path)
    if (!directory.startsWith(this.asked.scope)) return false
    const points = this.#points.get(unitAt(directory)) ?? []
    const newest = Math.max(...points.map(({ stored }) => stored))
    return (
      points.some(({ isComplete }) => isComplete) &&
      !this.#named.has(object.key) &&
      object.lastModified < this.asked.cutoff &&
      object.lastModified < newest
    )
  }

  #keptOf(unit: string, points: readonly FoundManifest[]): string[] {
    const { cutoff, scope, last, daily } = this.asked
    const path = unit.startsWith('data/') ? `/${unit}` : `/data/${unit}`
    const sorted = [...points].sort((a, b) => b.epoch - a.epoch || timeOf(b) - timeOf(a))
    const complete = sorted.filter(({ isComplete }) => isComplete)
    if (complete.length === 0 || !path.startsWith(scope)) return points.map(({ key }) => key)
    const kept = new Set<FoundManifest>()
    const keep = (point: FoundManifest | undefined): unknown => point !== undefined && kept.add(point)
    keep(sorted[0])
    keep(complete[0])
    keep(complete.find(point => timeOf(point) <= cutoff))
    if (last === undefined && daily === undefined)
      for (const point of sorted) if (timeOf(point) > cutoff) keep(point)
    for (const point of complete.slice(0, last ?? 0)) keep(point)
    const days = new Set<string>()
    for (const point of complete) {
      const day = new Date(timeOf(point)).toISOString().slice(0, 10)
      if (days.size < (daily ?? 0) && !days.has(day)) keep(point)
      if (days.size < (daily ?? 0)) days.add(day)
    }
    const bases = new Set([...kept].map(({ base }) => base))
    return points.filter(point => kept.has(point) || bases.has(point.key)).map(({ key }) => key)
  }
}

/** A time from the future is that of the server. */
function timeOf({ time, stored }: FoundManifest): number {
  return time - stored > 60_000 ? stored : time
}
