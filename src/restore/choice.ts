import { TablesnapError } from '../errors.js'
import type { Logger } from '../report/logger.js'
import type { StateKey } from '../state/keys.js'
import { isRestorable, type State } from '../state/state.js'
import type { States } from '../state/states.js'

import { iso } from './lines.js'

/** States looked at in one go on the way back to a restorable one. */
const BATCH = 8

/** Between two lines about a long way back, ms. */
const PROGRESS = 10_000

/** The state of a unit that is restored. */
export interface Choice {
  readonly state: State
  /** When the newest state was, ms since 1970, of those not later than asked for. */
  readonly newest: number
  /** Newer states that may not be restored. */
  readonly passed: { readonly count: number; readonly newest: State } | undefined
}

/**
 * The newest state of a unit that is whole and explained, or its newest one where none is.
 * @param head the newest state not later than asked for
 * @throws S3Error; TablesnapError `STATE_CORRUPT` for one that cannot be read: it may be the one
 */
export async function chooseState(states: States, head: StateKey, log: Logger): Promise<Choice> {
  const newest = await guarded(head, () => states.read(head.key))
  if (isRestorable(newest)) return { state: newest, newest: head.time, passed: undefined }
  const { unit, time } = head
  let count = 1
  let batch: StateKey[] = []
  let told = performance.now()
  const lookBack = async (): Promise<Choice | undefined> => {
    const outlines = await Promise.all(batch.map(one => guarded(one, () => states.outline(one.key))))
    const index = outlines.findIndex(isRestorable)
    count += index < 0 ? batch.length : index
    const found = batch[index]
    batch = []
    if (found === undefined) return undefined
    const state = await guarded(found, () => states.read(found.key))
    return { state, newest: time, passed: { count, newest } }
  }
  for await (const key of states.keysOf(unit, time - 1)) {
    if (batch.push(key) < BATCH) continue
    const found = await lookBack()
    if (found !== undefined) return found
    if (performance.now() - told < PROGRESS) continue
    told = performance.now()
    log.info(`Looking for a whole state of ${unit}: ${count} are not, back to ${iso(key.time)}`)
  }
  return (await lookBack()) ?? { state: newest, newest: time, passed: undefined }
}

/** Why a state may not be restored, as a phrase. */
export function flawsOf({ unprotected, unexplained }: State): string {
  const flaws = [
    ...(unprotected.length === 0
      ? []
      : [`${unprotected.length} of its sets or files were not in the bucket`]),
    ...(unexplained.length === 0
      ? []
      : [`${unexplained.length} sets had vanished from the node, nobody knows why`]),
  ]
  return flaws.join(', and ')
}

/** Tells how to go on without a state that cannot be used. @param time of the state, ms since 1970 */
export function withAdvice(time: number, error: TablesnapError): TablesnapError {
  const { code, message, operation, key } = error
  return new TablesnapError({
    code,
    message: `${message}; restore an earlier moment with --at ${iso(time - 1)}, or delete it to use the one before`,
    ...(operation === undefined ? {} : { operation }),
    ...(key === undefined ? {} : { key }),
    cause: error,
  })
}

/** Reads a manifest; one that cannot be used tells how to go on without it. */
export async function guarded(key: StateKey, read: () => Promise<State>): Promise<State> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof TablesnapError && error.code === 'STATE_CORRUPT') throw withAdvice(key.time, error)
    throw error
  }
}
