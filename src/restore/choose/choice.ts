import { TablesnapError } from '../../errors.js'
import type { StateKey } from '../../manifest/keys.js'
import { timeOf } from '../../manifest/ranked.js'
import { isRestorable, type State } from '../../manifest/state.js'
import type { States } from '../../manifest/states.js'
import { counted } from '../../report/format.js'
import type { Logger } from '../../report/logger.js'
import { iso } from '../lines.js'

/** Restore points looked at in one go on the way back to a whole one. */
const BATCH = 8

/** Between two lines about a long way back, ms. */
const PROGRESS = 10_000

/** Newer restore points that are passed over for an older one. */
export interface Passed {
  readonly count: number
  /** The newest of them. */
  readonly newest: { readonly key: string; readonly time: number; readonly flaws: string }
  /** The latest time at which the older restore point was still the newest, ms since 1970. */
  readonly until: number
}

/** The restore point of a unit that is restored. */
export interface Choice {
  readonly unit: string
  readonly key: string
  readonly state: State
  /** Of the newest one, of those not later than asked for. */
  readonly newest: StateKey
  readonly passed: Passed | undefined
}

/**
 * The newest restore point of a unit that is whole and explained, or its newest one where none is.
 * @param head the newest one not later than asked for
 * @param until the latest time that is asked for, ms since 1970
 * @throws S3Error; TablesnapError `STATE_CORRUPT` for one that cannot be read: it may be the one
 */
export async function chooseState(
  states: States,
  head: StateKey,
  until: number | undefined,
  log: Logger,
): Promise<Choice> {
  const { unit } = head
  const newest = await chooseExactly(states, head)
  if (isRestorable(newest.state)) return newest
  let last = head
  let count = 1
  let batch: StateKey[] = []
  let told = performance.now()
  const lookBack = async (): Promise<Choice | undefined> => {
    const whole = await Promise.all(batch.map(one => isWhole(states, one)))
    const index = whole.indexOf(true)
    count += index < 0 ? batch.length : index
    last = batch[(index < 0 ? batch.length : index) - 1] ?? last
    const found = batch[index]
    batch = []
    if (found === undefined) return undefined
    const { key, time } = head
    const passed = { count, newest: { key, time, flaws: flawsOf(newest.state) }, until: timeOf(last) - 1 }
    return { ...(await chooseExactly(states, found)), newest: head, passed }
  }
  for await (const key of states.keysOf(unit, until)) {
    // A writer that lost the name may have written later: back means back in time.
    if (key.key === head.key || timeOf(key) > timeOf(head)) continue
    if (batch.push(key) < BATCH) continue
    const found = await lookBack()
    if (found !== undefined) return found
    if (performance.now() - told < PROGRESS) continue
    told = performance.now()
    log.info(
      `Looking for a complete restore point of ${unit}: ${count} back to ${iso(key.time)} are not complete`,
    )
  }
  return (await lookBack()) ?? newest
}

/** The very restore point of a key, whatever it lacks. @throws as {@link chooseState} */
export async function chooseExactly(states: States, key: StateKey): Promise<Choice> {
  const state = await guarded(key, () => states.read(key.key))
  return { unit: key.unit, key: key.key, state, newest: key, passed: undefined }
}

/** Whether a restore point may be restored: its key says it, or in earlier versions its manifest. */
async function isWhole(states: States, key: StateKey): Promise<boolean> {
  if (key.facts !== undefined) return key.facts.kind === 'complete'
  return isRestorable(await guarded(key, () => states.outline(key.key)))
}

/** Restore points that are looked at for the last one with SSTables. */
const LOOKED = 1000

/** Those of earlier versions among them, whose keys do not tell. */
const READ = 32

/** The last complete restore point of a table that has SSTables, of those not later than one without. */
export async function lastFilled(
  states: States,
  { unit, state: { time } }: Choice,
): Promise<{ readonly time: number; readonly sets: number } | undefined> {
  let looked = 0
  let reads = 0
  for await (const { key, facts, time: own } of states.keysOf(unit, time)) {
    if (++looked > LOOKED) return undefined
    if (facts !== undefined) {
      const { kind, sets } = facts
      if (kind === 'complete' && sets > 0) return { time: own, sets }
      continue
    }
    if (++reads > READ) return undefined
    const state = await states.read(key).catch((error: unknown) => {
      if (error instanceof TablesnapError && error.code === 'STATE_CORRUPT') return undefined
      throw error
    })
    if (state !== undefined && isRestorable(state) && state.sets.size > 0)
      return { time: own, sets: state.sets.size }
  }
  return undefined
}

/** Why a state may not be restored, as a phrase. */
function flawsOf({ unprotected, unexplained }: State): string {
  const flaws = [
    ...(unprotected.length === 0
      ? []
      : [
          `${counted(unprotected.length, 'SSTable or file', 'SSTables or files')} of it ${unprotected.length === 1 ? 'was' : 'were'} not in the bucket`,
        ]),
    ...(unexplained.length === 0
      ? []
      : [
          `${counted(unexplained.length, 'SSTable', 'SSTables')} had vanished from the node for no known reason`,
        ]),
  ]
  return flaws.join(', and ')
}

/** Tells how to go on without a state that cannot be used. @param time of the state, ms since 1970 */
export function withAdvice(time: number, error: TablesnapError): TablesnapError {
  const { code, message, operation, key } = error
  return new TablesnapError({
    code,
    message: `${message}; restore an earlier moment with --at ${iso(time - 1)}, or delete it to use the one before`,
    step: { operation, key },
    cause: error,
  })
}

/** Reads a manifest; one that cannot be used tells how to go on without it. */
async function guarded(key: StateKey, read: () => Promise<State>): Promise<State> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof TablesnapError && error.code === 'STATE_CORRUPT') throw withAdvice(key.time, error)
    throw error
  }
}
