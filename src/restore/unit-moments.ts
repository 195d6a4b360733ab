import { basename, dirname, join } from 'node:path'

import type { Config } from '../config/config.js'
import { TablesnapError } from '../errors.js'
import type { Logger } from '../report/logger.js'
import { headObject } from '../s3/object.js'
import { parseComponent } from '../sstable/names.js'
import { tableOfUnit, unitOf } from '../sstable/unit.js'
import { KeyLayout, type StateKey } from '../state/keys.js'
import { isOwnListing } from '../state/listing.js'
import { isRestorable, type State } from '../state/state.js'
import { States } from '../state/states.js'

import type { Catalog } from './catalog.js'
import { chooseState, flawsOf, withAdvice, type Choice } from './choice.js'
import type { RestoreDeps } from './deps.js'
import { chooseNaming } from './file-choice.js'
import type { MomentSet } from './moment.js'
import { scopeHolds, takesStates, type Scope } from './scope.js'
import { eachOf } from './slots.js'
import { wantedBy } from './tables.js'
import { setsOf } from './state-sets.js'

/** Units whose states are read at once. */
const UNITS = 4

/** What a unit with states was at the moment that is restored. */
export interface UnitMoment {
  readonly unit: string
  /** ms since 1970. */
  readonly time: number
  /** When the newest state was, of those not later than asked for. */
  readonly newest: number
  /** Why newer states are passed over. */
  readonly passed: { readonly count: number; readonly newest: number; readonly flaws: string } | undefined
  /** By directory, of those that are asked for; also of directories that were empty. */
  readonly sets: ReadonlyMap<string, readonly MomentSet[]>
  /** Why it is no whole state, where the unit has none; of the directories that are asked for. */
  readonly lacks:
    { readonly unprotected: readonly string[]; readonly unexplained: readonly string[] } | undefined
}

/** The units that have states. */
export interface UnitMoments {
  readonly found: ReadonlyMap<string, UnitMoment>
  /** Units whose states are all later than asked for. */
  readonly later: ReadonlySet<string>
}

/**
 * Reads of every unit that is asked for the state that is restored.
 * @throws S3Error; TablesnapError `STATE_CORRUPT`
 */
export async function readUnits(config: Config, deps: RestoreDeps, catalog: Catalog): Promise<UnitMoments> {
  const { client, name, log, signal, scope } = deps
  const keys = new KeyLayout(config.prefix, name, config.separator)
  const states = new States(client, keys, signal)
  const found = new Map<string, UnitMoment>()
  const later = new Set<string>()
  if (config.all || !takesStates(scope)) return { found, later }
  const file = await fileOf(deps, catalog)
  // The Python program's listing is what it says, whatever came later.
  if (file === 'listed') return { found, later }
  const named = wantedBy(config.only)
  const wanted = (directory: string): boolean => scopeHolds(scope, directory) && named(directory)
  const heads = (await headsOf(states, scope)).filter(({ unit }) => named(join('/', unit)))
  await eachOf(heads, UNITS, async head => {
    const { unit } = head
    const choice =
      file === undefined
        ? await newestOf(states, head, config.at, log)
        : await chooseNaming({ states, unit, uploaded: uploadedOf(catalog, file), log }, state =>
            namesFile(state, file),
          )
    if (choice === undefined) {
      if (file === undefined) later.add(unit)
      return
    }
    const sets = await setsOf(choice.state, {
      client,
      keys,
      catalog,
      wanted,
      complete: scope === undefined,
      signal,
    }).catch((error: unknown) => {
      const corrupt = error instanceof TablesnapError && error.code === 'STATE_CORRUPT'
      throw corrupt ? withAdvice(choice.state.time, error) : error
    })
    found.set(unit, unitMoment(choice, sets, wanted))
  })
  return { found, later }
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

/** The state of a unit that is restored; undefined where all are later than asked for. */
async function newestOf(
  states: States,
  head: StateKey,
  at: number | undefined,
  log: Logger,
): Promise<Choice | undefined> {
  const begin = at === undefined || head.time <= at ? head : await states.newest(head.unit, at)
  return begin === undefined ? undefined : chooseState(states, begin, log)
}

function unitMoment(
  { state, newest, passed }: Choice,
  sets: ReadonlyMap<string, readonly MomentSet[]>,
  wanted: (directory: string) => boolean,
): UnitMoment {
  const directories = [...state.directories.keys()].filter(path => wanted(path))
  const { unit, time } = state
  return {
    unit,
    time,
    newest,
    passed:
      passed === undefined
        ? undefined
        : { count: passed.count, newest: passed.newest.time, flaws: flawsOf(passed.newest) },
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
