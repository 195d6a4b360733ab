import { basename, dirname, join } from 'node:path'

import { parseComponent } from '../../cassandra/names.js'
import { wantedBy } from '../../cassandra/table-directory.js'
import { tableOfUnit, unitOf } from '../../cassandra/unit.js'
import { eachOf } from '../../concurrency.js'
import type { Config } from '../../config/config.js'
import { TablesnapError } from '../../errors.js'
import { KeyLayout, type StateKey } from '../../manifest/keys.js'
import { isAhead, timeOf } from '../../manifest/ranked.js'
import { isRestorable, type State } from '../../manifest/state.js'
import { States } from '../../manifest/states.js'
import { isOwnListing } from '../../manifest/upstream-listing.js'
import type { ListedObject } from '../../s3/list.js'
import { headObject } from '../../s3/object.js'
import type { RestoreDeps } from '../deps.js'
import type { Catalog } from '../read/catalog.js'
import type { MomentSet } from '../read/moment.js'
import { scopeHolds, takesStates, type Scope } from '../read/scope.js'
import { setsOf } from '../read/state-sets.js'

import { chooseExactly, chooseState, lastFilled, withAdvice, type Choice, type Passed } from './choice.js'
import { chooseNaming } from './file-choice.js'
import { systemKeyspaceOf, together, type Together } from './system-keyspaces.js'

/** Units whose manifests are read at once. */
const UNITS = 4

/** A table at the restored moment. */
export interface UnitMoment {
  readonly unit: string
  /** ms since 1970. */
  readonly time: number
  /** When the newest restore point was, of those not later than asked for. */
  readonly newest: number
  /** Whether the newest one has a time that was in the future when the server stored it. */
  readonly ahead: boolean
  /** Newer restore points that are passed over. */
  readonly passed: Passed | undefined
  /** The moment to which all tables of the system keyspace go back, and the table for whose sake. */
  readonly together: Together['back']
  /** The last complete restore point with SSTables, where this one has nothing. */
  readonly filled: { readonly time: number; readonly sets: number } | undefined
  /** By directory, of those that are asked for; also of directories that were empty. */
  readonly sets: ReadonlyMap<string, readonly MomentSet[]>
  /** Why it is no whole restore point, where the unit has none; of the directories that are asked for. */
  readonly lacks:
    { readonly unprotected: readonly string[]; readonly unexplained: readonly string[] } | undefined
}

/** The units that have manifests. */
export interface UnitMoments {
  readonly found: ReadonlyMap<string, UnitMoment>
  /** Units whose restore points are all later than asked for. */
  readonly later: ReadonlySet<string>
  /** Tables of system keyspaces that cannot be restored to one moment with the others. */
  readonly split: readonly string[]
}

/**
 * Reads of every unit that is asked for the restore point that is restored.
 * @throws S3Error; TablesnapError `STATE_CORRUPT`
 */
export async function readUnits(config: Config, deps: RestoreDeps, catalog: Catalog): Promise<UnitMoments> {
  const { client, log, signal, scope } = deps
  const { name } = deps.node
  const keys = new KeyLayout(config.prefix, name, config.separator)
  const states = new States(client, keys, signal)
  const found = new Map<string, UnitMoment>()
  const later = new Set<string>()
  const split: string[] = []
  const units = { found, later, split }
  if (config.all || !takesStates(scope)) return units
  const file = await fileOf(deps, catalog)
  // The Python program's listing is what it says, whatever came later.
  if (file === 'listed') return units
  const named = wantedBy(config.only)
  const wanted = (directory: string): boolean => scopeHolds(scope, directory) && named(directory)
  const heads = (await headsOf(states, scope)).filter(({ unit }) => named(join('/', unit)))
  const exact = config.atKey === undefined ? undefined : states.keyOf(listed(config.atKey))
  const choose = async (head: StateKey, until: number | undefined): Promise<Choice | undefined> => {
    const begin = until === undefined || head.time <= until ? head : await states.newest(head.unit, until)
    return begin === undefined ? undefined : chooseState(states, begin, until, log)
  }
  const take = async (choice: Choice, back: Together['back']): Promise<void> => {
    const { unit, state, key } = choice
    const complete = scope === undefined
    const sets = await setsOf(state, { key, client, keys, catalog, wanted, complete, signal }).catch(
      (error: unknown) => {
        const corrupt = error instanceof TablesnapError && error.code === 'STATE_CORRUPT'
        throw corrupt ? withAdvice(state.time, error) : error
      },
    )
    const empty = tableOfUnit(unit) !== undefined && state.sets.size === 0 && isRestorable(state)
    const filled = empty ? await lastFilled(states, choice) : undefined
    found.set(unit, unitMoment(choice, { sets, wanted, filled, back }))
  }
  const system = new Map<string, { head: StateKey; choice: Choice }[]>()
  await eachOf(heads, UNITS, async head => {
    const { unit } = head
    if (file !== undefined) {
      const search = { states, unit, uploaded: uploadedOf(catalog, file), log }
      const choice = await chooseNaming(search, state => namesFile(state, file))
      if (choice !== undefined) await take(choice, undefined)
      return
    }
    const choice = exact?.unit === unit ? await chooseExactly(states, exact) : await choose(head, config.at)
    const keyspace = systemKeyspaceOf(unit)
    if (choice === undefined) later.add(unit)
    else if (keyspace === undefined) await take(choice, undefined)
    else system.set(keyspace, [...(system.get(keyspace) ?? []), { head, choice }])
  })
  for (const tables of system.values()) {
    const known = new Map(tables.map(({ head }) => [head.unit, head]))
    const one = await together(
      tables.map(({ choice }) => choice),
      async (unit, until) => {
        const head = known.get(unit)
        return head === undefined ? undefined : choose(head, until)
      },
    )
    for (const unit of one.later) later.add(unit)
    if (one.broken !== undefined) split.push(one.broken)
    await eachOf(one.choices, UNITS, choice => take(choice, one.back))
  }
  return units
}

/** A key as a LIST would show it. */
function listed(key: string): ListedObject {
  return { key, size: 0, etag: '', lastModified: NaN }
}

/** The newest states of the units that may have something in the scope. @throws S3Error */
export async function headsOf(states: States, scope: Scope | undefined): Promise<StateKey[]> {
  const unit = scope === undefined ? '' : unitOf(scope.origin)
  if (scope !== undefined && scope.take !== 'below') {
    const head = await states.newest(unit)
    return head === undefined ? [] : [head]
  }
  const heads: StateKey[] = []
  const below = scope === undefined ? '' : join(scope.origin, '/').slice(1)
  for await (const head of states.heads()) {
    // A table's unit does not tell where it lies, unless the scope lies in one.
    const isTable = tableOfUnit(head.unit) !== undefined
    const table = isTable && tableOfUnit(unit) === undefined
    if (scope === undefined || table || head.unit === unit || (!isTable && `${head.unit}/`.startsWith(below)))
      heads.push(head)
  }
  return heads
}

/** The path of the file whose state is asked for; `listed` where the Python program's listing is the answer. */
async function fileOf({ client, scope, signal }: RestoreDeps, catalog: Catalog): Promise<string | undefined> {
  if (typeof scope?.take !== 'object') return undefined
  const { listing: name } = scope.take
  const listing = catalog.directories.get(scope.origin)?.listings.get(name)
  const info = listing === undefined ? undefined : await headObject(client, listing.key, signal)
  return info === undefined || isOwnListing(info.metadata) ? join(scope.origin, name) : 'listed'
}

/** When the newest content of a file came into the bucket, as far as that is known, ms since 1970. */
function uploadedOf(catalog: Catalog, path: string): number | undefined {
  const directory = catalog.directories.get(dirname(path))
  const times = [...(directory?.others.values() ?? [])]
    .filter(({ name }) => name === basename(path))
    .map(({ lastModified }) => lastModified)
  const plain = directory?.files.get(basename(path))
  if (plain !== undefined) times.push(plain.lastModified)
  return times.length === 0 ? undefined : Math.max(...times)
}

function namesFile({ sets, files }: State, path: string): boolean {
  const component = parseComponent(basename(path))
  if (component === undefined) return files.has(path)
  return sets.get(join(dirname(path), component.set))?.components.has(component.component) === true
}

function unitMoment(
  { state, newest, passed }: Choice,
  more: Pick<UnitMoment, 'sets' | 'filled'> & {
    wanted: (directory: string) => boolean
    back: Together['back']
  },
): UnitMoment {
  const { wanted, sets, filled, back } = more
  const directories = [...state.directories.keys()].filter(path => wanted(path))
  const { unit, time } = state
  return {
    unit,
    time,
    newest: timeOf(newest),
    ahead: isAhead(newest),
    passed,
    together: back,
    filled,
    sets: new Map([...directories.map(path => [path, []] as const), ...sets]),
    lacks: isRestorable(state) ? undefined : lacksOf(state, wanted),
  }
}

function lacksOf(
  { unprotected, unexplained }: State,
  wanted: (directory: string) => boolean,
): UnitMoment['lacks'] {
  const asked = (path: string): boolean => wanted(dirname(path))
  return { unprotected: unprotected.filter(asked), unexplained: unexplained.filter(asked) }
}
