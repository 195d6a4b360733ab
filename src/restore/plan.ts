import { join } from 'node:path'

import type { Config } from '../config/config.js'
import type { TablesnapError } from '../errors.js'

import { readCatalog, type Catalog } from './catalog.js'
import type { RestoreDeps } from './deps.js'
import { StagingBases, spaceAt, type FileSystemShare } from './file-system.js'
import { unfit, type Refusal } from './key-path.js'
import { compareSet, readLocal, type SetState } from './local.js'
import type { MomentFile, MomentSet } from './moment.js'
import { readMoments } from './moments.js'
import { Problems, foreignSets } from './problems.js'
import { localOf, select, type Scope } from './scope.js'
import { eachOf } from './slots.js'
import { Target, type TargetDirectory } from './target.js'

/** A set that is to be brought. */
export interface PlannedSet {
  readonly name: string
  /** Absolute, as on the node the objects came from. */
  readonly origin: string
  readonly directory: TargetDirectory
  /** Where staging is for it. */
  readonly base: string
  /** What is not there yet, Data.db last. */
  readonly files: readonly MomentFile[]
  /** Names of files that go before the set comes, Data.db first. */
  readonly remove: readonly string[]
  /** Names of `files` that take the place of a file of other content. */
  readonly exchange: readonly string[]
}

/** A directory that is restored into. */
export interface PlannedDirectory extends TargetDirectory {
  /** When its newest listing was written, ms since 1970; undefined where every object is brought. */
  readonly moment: number | undefined
  readonly base: string
  /** Names of files of SSTables that the moment does not have, which are moved aside, Data.db first. */
  readonly aside: readonly string[]
}

/** All that a restore is going to do; nothing has been done yet. */
export interface RestorePlan {
  readonly name: string
  readonly target: string
  readonly directories: readonly PlannedDirectory[]
  readonly sets: readonly PlannedSet[]
  /** Files to be brought, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Files that are there already with the same content. */
  readonly present: number
  /** Keys that the moment names and the bucket lacks. */
  readonly missing: readonly string[]
  /** Sets that lack what Cassandra needs, and stay away as a whole: directory and name. */
  readonly broken: readonly string[]
  /** Directories with SSTables that are left out for want of a listing. */
  readonly unlisted: readonly string[]
  readonly refused: readonly Refusal[]
  readonly shares: readonly FileSystemShare[]
  /** Why the restore may not begin. */
  readonly problems: readonly TablesnapError[]
}

/** Sets compared at once with what is there. */
const COMPARISONS = 8

/**
 * Decides what a restore does: lists the bucket and reads the target, and changes neither.
 * @throws S3Error; TablesnapError `NOTHING_FOUND`, `LISTING_MISSING`, `LISTING_CORRUPT`, `FILE_UNREADABLE`, `OBJECT_GONE`
 */
export async function planRestore(config: Config, deps: RestoreDeps): Promise<RestorePlan> {
  const { client, name, log, signal, scope } = deps
  const { prefix, separator } = config
  const source = { client, prefix, name, separator, origin: scope?.origin, log, signal }
  const everything = await readCatalog(source)
  const catalog = scope === undefined ? everything : await select(everything, scope, source)
  const moments = await readMoments(config, deps, catalog)
  const target = new Target(config.paths[0] ?? '/')
  const { places, refused } = await placeSets(catalog, moments, target, scope)
  const problems = new Problems(config)
  const bases = new StagingBases(
    target,
    places.map(({ directory }) => directory),
  )
  const directories: PlannedDirectory[] = []
  const sets: PlannedSet[] = []
  let present = 0
  for (const place of places) {
    const { origin, directory } = place
    const local = await readLocal(directory.path)
    const found = await bases.baseOf(directory)
    const base = found ?? directory.existing
    const states = await compareAll(deps, place.sets, set => compareSet(deps, set, local))
    for (const [set, state] of states) {
      const exchanged = problems.toExchange(state)
      for (const file of state.rewritten.filter(file => !exchanged.includes(file))) {
        const path = join(directory.path, file.name)
        log.warn(
          `${path} is not as in the backup, beside the same Data.db, and stays; --force brings the backup's`,
        )
      }
      present += state.same.length + state.different.length + state.rewritten.length - exchanged.length
      const { remove, exchange } = problems.judge(set, state, directory.path)
      const files = dataLast([...state.absent, ...exchanged])
      if (files.length > 0) sets.push({ name: set.name, origin, directory, base, files, remove, exchange })
      if (files.length > 0 && found === undefined) problems.unwritable(directory)
    }
    const foreign = config.all ? [] : foreignSets(local, moments.get(origin) ?? [])
    // Where nothing is missing, the others are simply newer than the backup.
    const complete = sets.every(set => set.origin !== origin)
    if (complete && !config.replace && foreign.length > 0) {
      log.info(
        `${directory.path} has all of the backup, and newer SSTables, which stay; --replace moves them aside`,
      )
    }
    const aside = complete && !config.replace ? [] : foreign
    problems.foreign(directory.path, aside)
    const moment = config.all ? undefined : catalog.directories.get(origin)?.listing?.lastModified
    directories.push({ ...directory, moment, base, aside: dataFirst(aside) })
  }
  const shares = await sharesOf(sets, bases)
  for (const share of shares) problems.space(share)
  await problems.held([
    ...sets.flatMap(({ directory, remove, exchange }) =>
      [...remove, ...exchange].map(file => join(directory.path, file)),
    ),
    ...directories.flatMap(({ path, aside }) => aside.map(file => join(path, file))),
  ])
  const all = [...moments.values()].flat()
  return {
    name,
    target: target.root,
    directories,
    sets,
    files: sets.reduce((sum, { files }) => sum + files.length, 0),
    bytes: sets.reduce((sum, { files }) => sum + files.reduce((part, { size }) => part + size, 0), 0),
    present,
    missing: all.flatMap(({ missing }) => missing),
    broken: all
      .filter(({ whole, files }) => !whole && files.length > 0)
      .map(set => join(set.directory, set.name)),
    unlisted: catalog.unlisted,
    refused,
    shares,
    problems: problems.found,
  }
}

/** A directory with the sets that come into it. */
interface Place {
  readonly origin: string
  readonly directory: TargetDirectory
  readonly sets: MomentSet[]
}

/** Finds where whole sets come to lie; what cannot lie there is refused, set by set. */
async function placeSets(
  catalog: Catalog,
  moments: ReadonlyMap<string, readonly MomentSet[]>,
  target: Target,
  scope: Scope | undefined,
): Promise<{ places: Place[]; refused: Refusal[] }> {
  const places: Place[] = []
  const refused = [...catalog.refused]
  for (const [origin, moment] of moments) {
    const directory = await target.place(localOf(origin, scope))
    const sets: MomentSet[] = []
    for (const set of moment.filter(({ whole, files }) => whole && files.length > 0)) {
      const reason = typeof directory === 'string' ? directory : reasonAgainst(catalog, set, directory.path)
      if (reason === undefined) sets.push(set)
      else refused.push(...set.files.map(({ key }) => ({ key, reason })))
    }
    if (typeof directory !== 'string' && sets.length > 0) places.push({ origin, directory, sets })
  }
  return { places, refused }
}

/** Why a set cannot lie in its directory. */
function reasonAgainst(catalog: Catalog, set: MomentSet, directory: string): string | undefined {
  for (const { name } of set.files) {
    const reason = unfit(directory, name)
    if (reason !== undefined) return reason
    if (catalog.directories.has(join(set.directory, name)))
      return 'there are other keys below it: it cannot be a file as well'
  }
  return undefined
}

/** Compares sets, several at once; the answer has their order. */
async function compareAll(
  { signal }: RestoreDeps,
  sets: readonly MomentSet[],
  compare: (set: MomentSet) => Promise<SetState>,
): Promise<[MomentSet, SetState][]> {
  const states = new Array<[MomentSet, SetState]>(sets.length)
  await eachOf(sets.entries(), COMPARISONS, async ([index, set]) => {
    signal?.throwIfAborted()
    states[index] = [set, await compare(set)]
  })
  return states
}

async function sharesOf(sets: readonly PlannedSet[], bases: StagingBases): Promise<FileSystemShare[]> {
  const shares = new Map<string, FileSystemShare>()
  for (const { base, directory, files } of sets) {
    const id = await bases.id(directory.existing)
    const { block, free } = await spaceAt(directory.existing)
    const known = shares.get(id)
    const needed = files.reduce((sum, { size }) => sum + Math.ceil(size / block) * block, known?.needed ?? 0)
    shares.set(id, { base: known?.base ?? base, needed, free })
  }
  return [...shares.values()]
}

function isData(name: string): boolean {
  return name.endsWith('-Data.db')
}

function dataLast(files: readonly MomentFile[]): MomentFile[] {
  return [...files.filter(({ name }) => !isData(name)), ...files.filter(({ name }) => isData(name))]
}

/** In the order in which files may go: without its Data.db a set is none. */
function dataFirst(names: readonly string[]): string[] {
  return [...names.filter(isData), ...names.filter(name => !isData(name))]
}
