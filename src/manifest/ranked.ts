import type { Epochs } from './epochs.js'
import type { StateKey } from './keys.js'

/** How much later than the server stored it a manifest's time may be, ms; beyond that, the node's clock was wrong. */
const AHEAD = 60_000

/** Manifests of earlier versions, whose keys do not tell the epoch, that are read for it; the rest is of the first epoch. */
const READS = 64

/** A manifest on its way to its place. */
interface Ranked<K extends StateKey> {
  readonly key: K
  readonly epoch: number
  /** When it was, ms since 1970. */
  readonly time: number
}

/** When a manifest was, ms since 1970: its time, unless that was in the future when the server stored it. */
export function timeOf({ time, stored }: Pick<StateKey, 'time' | 'stored'>): number {
  return isAhead({ time, stored }) ? stored : time
}

/** Whether a manifest has a time that was in the future when the server stored it: the clock of its node was wrong. */
export function isAhead({ time, stored }: Pick<StateKey, 'time' | 'stored'>): boolean {
  return time - stored > AHEAD
}

/**
 * Puts manifests that come by time, the newest first, into the order in which readers take them: the highest epoch first,
 * then the newest. It holds back only what a later one may still outrank: the manifests of about a minute after a take-over,
 * and those from the future.
 * @param read the node's epochs; called once, where there is more than one manifest
 * @param epochOf reads a manifest's epoch
 */
export async function* ranked<K extends StateKey>(
  keys: AsyncIterable<K> | Iterable<K>,
  read: () => Promise<Epochs>,
  epochOf: (key: K) => Promise<number>,
): AsyncGenerator<K> {
  let only: K | undefined
  let epochs: Epochs | undefined
  let waiting: Ranked<K>[] = []
  let reads = 0
  const place = async (key: K, epochs: Epochs): Promise<void> => {
    let epoch = key.facts?.epoch ?? epochs.at(key.time)
    if (epoch === undefined) epoch = reads++ < READS ? await epochOf(key) : 1
    insert(waiting, { key, epoch, time: timeOf(key) })
  }
  for await (const key of keys) {
    if (epochs === undefined) {
      if (only === undefined) {
        only = key
        continue
      }
      epochs = await read()
      await place(only, epochs)
    }
    let settled = 0
    // Neither this one nor what follows it is later.
    for (const one of waiting) {
      if (one.time < key.time || epochs.mayFollow(one, key.time)) break
      settled++
      yield one.key
    }
    if (settled > 0) waiting = waiting.slice(settled)
    await place(key, epochs)
  }
  if (epochs === undefined && only !== undefined) yield only
  for (const { key } of waiting) yield key
}

/** If two manifests have the same epoch and time, their order stays as it was. */
function insert<K extends StateKey>(waiting: Ranked<K>[], one: Ranked<K>): void {
  let at = waiting.length
  for (let before = waiting[at - 1]; before !== undefined && isHigher(one, before); before = waiting[at - 1])
    at--
  waiting.splice(at, 0, one)
}

function isHigher(a: Ranked<StateKey>, b: Ranked<StateKey>): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.time > b.time)
}
