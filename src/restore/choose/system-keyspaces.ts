import { tableOfUnit } from '../../cassandra/unit.js'
import { isRestorable } from '../../manifest/state.js'

import type { Choice } from './choice.js'

/** Keyspaces of Cassandra's own, whose tables speak of each other: a node does not start with a schema of two moments. */
const SYSTEM: ReadonlySet<string> = new Set([
  'system',
  'system_auth',
  'system_distributed',
  'system_schema',
  'system_traces',
])

/** The system keyspace that a unit is a table of; undefined when it is another's. */
export function systemKeyspaceOf(unit: string): string | undefined {
  const keyspace = tableOfUnit(unit)?.keyspace
  return keyspace !== undefined && SYSTEM.has(keyspace) ? keyspace : undefined
}

/** The restore points of the tables of one system keyspace. */
export interface Together {
  readonly choices: readonly Choice[]
  /** Units that have no restore point as old as the moment. */
  readonly later: readonly string[]
  /** The moment to which all of them go back, and the table for whose sake; undefined where each goes to its newest. */
  readonly back: { readonly until: number; readonly unit: string } | undefined
  /** A table that no moment makes whole. */
  readonly broken: string | undefined
}

/**
 * Takes the tables of one system keyspace back to one moment, if one of them has to go back.
 * @param choose the restore point of a unit at a time; undefined where it has none as old
 */
export async function together(
  choices: readonly Choice[],
  choose: (unit: string, until: number) => Promise<Choice | undefined>,
): Promise<Together> {
  const all = new Map(choices.map(choice => [choice.unit, choice]))
  const later: string[] = []
  let back: Together['back']
  for (;;) {
    let earliest = back
    for (const { unit, passed } of all.values())
      if (passed !== undefined && (earliest === undefined || passed.until < earliest.until))
        earliest = { until: passed.until, unit }
    if (earliest === undefined || earliest === back) break
    back = earliest
    for (const before of [...all.values()]) {
      const { unit, passed } = before
      const chosen = await choose(unit, back.until)
      if (chosen === undefined) {
        all.delete(unit)
        later.push(unit)
      } else all.set(unit, { ...chosen, newest: before.newest, passed: chosen.passed ?? passed })
    }
  }
  const broken = [...all.values()].find(({ state }) => !isRestorable(state))
  const alone = choices.length === 1
  return {
    choices: [...all.values()],
    later,
    back: alone ? undefined : back,
    broken: alone ? undefined : broken?.unit,
  }
}
