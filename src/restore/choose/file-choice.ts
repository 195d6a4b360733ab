import type { StateKey } from '../../manifest/keys.js'
import { isRestorable, type State } from '../../manifest/state.js'
import type { States } from '../../manifest/states.js'
import type { Logger } from '../../report/logger.js'
import { counted } from '../../report/format.js'

import { chooseExactly, type Choice } from './choice.js'

/** Manifests read at once. */
const BATCH = 8

/** Manifests read from the file's upload on: the first ones that were written after it name it. */
const AFTER_UPLOAD = 256

/** Manifests read in all: a table may have 200,000. */
const READS = 1024

/** LastModified has whole seconds. */
const SECOND = 1000

/** The places where the restore point of a file may be found. */
export interface FileSearch {
  readonly states: States
  readonly unit: string
  /** When the newest content of the file came into the bucket, ms since 1970; undefined where that is not known. */
  readonly uploaded: number | undefined
  readonly log: Logger
}

/** The results for a file so far. */
interface Found {
  oldest: Choice | undefined
  restorable: Choice | undefined
}

/**
 * The restore point with which a file came: the oldest one that names it, and that may be restored if any of them may. Of a
 * name that was given twice the newer file counts. Looks first at the manifests that were written after the file was
 * uploaded, then from the newest one back, and reads no more than some 1,000 in all.
 * @param names whether a restore point names the file
 * @returns undefined where none of those that were read does
 * @throws S3Error; TablesnapError `STATE_CORRUPT` for one that cannot be read: it may be the one
 */
export async function chooseNaming(
  { states, unit, uploaded, log }: FileSearch,
  names: (state: State) => boolean,
): Promise<Choice | undefined> {
  const keys: StateKey[] = []
  for await (const key of states.keysOf(unit)) keys.push(key)
  const read = (batch: readonly StateKey[]): Promise<Choice[]> =>
    Promise.all(batch.map(one => chooseExactly(states, one)))
  const found: Found = { oldest: undefined, restorable: undefined }
  const since = uploaded === undefined ? Infinity : uploaded - SECOND
  const after = keys.filter(({ stored }) => stored >= since).reverse()
  let reads = 0
  for (const batch of batches(after.slice(0, AFTER_UPLOAD))) {
    reads += batch.length
    if (forward(found, await read(batch), names)) break
  }
  const first = bestOf(found)
  if (first !== undefined) return first
  const back = keys.slice(0, READS - reads)
  for (const batch of batches(back)) if (backward(found, await read(batch), names)) break
  const second = bestOf(found)
  if (second !== undefined) return second
  if (back.length < keys.length) {
    log.warn(
      `${unit} has ${counted(keys.length, 'restore point')}; none of the ${READS} that were looked at names the file: choose the moment with --at`,
    )
  }
  return undefined
}

/** Takes restore points from the oldest on. @returns whether the one that is wanted is found */
function forward(found: Found, choices: readonly Choice[], names: (state: State) => boolean): boolean {
  for (const choice of choices) {
    if (names(choice.state)) {
      found.oldest ??= choice
      if (!isRestorable(choice.state)) continue
      found.restorable = choice
      return true
    }
    if (found.oldest !== undefined) return true
  }
  return false
}

/** Takes restore points from the newest on. @returns whether there is no use in looking further back */
function backward(found: Found, choices: readonly Choice[], names: (state: State) => boolean): boolean {
  for (const choice of choices) {
    if (names(choice.state)) {
      found.oldest = choice
      if (isRestorable(choice.state)) found.restorable = choice
    } else if (found.oldest !== undefined) return true
  }
  return false
}

function bestOf({ oldest, restorable }: Found): Choice | undefined {
  return restorable ?? oldest
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += BATCH) yield items.slice(at, at + BATCH)
}
