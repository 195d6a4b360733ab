import { join } from 'node:path'

import { segmentsBeside } from '../../cassandra/commit-log.js'
import { dataFirst } from '../../cassandra/names.js'
import { eachOf } from '../../concurrency.js'
import type { Config } from '../../config/config.js'
import { TablesnapError } from '../../errors.js'
import type { Logger } from '../../report/logger.js'
import { readBucket } from '../choose/bucket.js'
import type { RestoreDeps } from '../deps.js'
import { describeArchived, findArchived, type ArchivedFile } from '../read/archived.js'
import type { Missing, MomentFile, MomentSet } from '../read/moment.js'

import { halfMoved } from './aside.js'
import { StagingBases, spaceAt, type FileSystemShare } from './file-system.js'
import { compareSet, readLocal, type SetState } from './local.js'
import { Mapping } from './mapping.js'
import { partialBytes } from './partial.js'
import { placeSets, type Place } from './places.js'
import { Problems, foreignSets } from './problems.js'
import type { PlannedDirectory, PlannedSet, RestorePlan } from './restore-plan.js'
import { Target } from './target.js'

/** Sets compared at once with what is there. */
const COMPARISONS = 8

/**
 * Decides what a restore does: lists the bucket and reads the target, and changes neither.
 * @throws S3Error; TablesnapError `NOTHING_FOUND`, `LISTING_MISSING`, `MOMENT_MISSING`, `STATE_CORRUPT`, `LISTING_CORRUPT`,
 * `FILE_UNREADABLE`, `OBJECT_GONE`, `MAP_UNUSED`, `MAP_TABLE_MISSING`, `MAP_TABLE_AMBIGUOUS`, `MAP_COLLISION`
 */
export async function planRestore(config: Config, deps: RestoreDeps): Promise<RestorePlan> {
  const { log, scope } = deps
  const { name } = deps.node
  const { catalog, units, moments } = await readBucket(config, deps)
  const all = [...moments.directories.values()].flatMap(({ sets }) => sets)
  const corrupt = all.filter(set => set.corrupt === true && !config.force)
  const damaged = new Set(corrupt)
  const target = new Target(config.paths[0] ?? '/')
  const brings = (set: MomentSet): boolean =>
    set.whole && set.files.length > 0 && (set.corrupt !== true || config.force)
  const mapping = new Mapping(config, scope, target)
  const { places, refused } = await placeSets(catalog, moments, target, { mapping, brings })
  checkUsed(mapping, name, log)
  const problems = new Problems(config)
  problems.damaged(all)
  problems.corrupt(corrupt)
  problems.split(units.split)
  const bases = new StagingBases(
    target,
    places.map(({ directory }) => directory),
  )
  const sets: PlannedSet[] = []
  const touched: { place: Place; base: string; foreign: readonly string[] }[] = []
  const incomplete = new Set<string>()
  let present = 0
  for (const place of places) {
    const { directory, group, table } = place
    const local = await readLocal(directory.path)
    const found = await bases.baseOf(directory)
    const base = found ?? directory.existing
    const states = await compareAll(deps, place.sets, set => compareSet(deps, set, local))
    for (const [set, state] of states) {
      const exchanged = problems.toExchange(state)
      for (const file of state.rewritten.filter(file => !exchanged.includes(file))) {
        const path = join(directory.path, file.name)
        log.warn(
          `${path} differs from the backup although its Data.db is the same; it stays unless you add --force`,
        )
      }
      present += state.same.length + state.different.length + state.rewritten.length - exchanged.length
      const { remove, exchange } = problems.judge(set, state, directory.path)
      const files = dataLast([...state.absent, ...exchanged])
      if (files.length === 0) continue
      sets.push({ name: set.name, origin: set.directory, directory, base, files, remove, exchange })
      incomplete.add(group)
      if (found === undefined) problems.unwritable(directory)
    }
    const named = place.moments.flatMap(({ sets }) => sets)
    const foreign = config.all ? [] : foreignSets(local, named, table)
    if (config.replace) foreign.push(...(await halfMoved(local, named)))
    if (place.sets.length > 0 || foreign.length > 0) touched.push({ place, base, foreign })
  }
  const found: { directory: Omit<PlannedDirectory, 'away'>; sets: readonly MomentSet[] }[] = []
  for (const { place, base, foreign } of touched) {
    const { directory, group } = place
    // Where nothing is missing, the others are simply newer than the backup, unless an older moment is asked for.
    const newer = !incomplete.has(group) && !config.replace && config.at === undefined
    if (newer && foreign.length > 0) {
      log.info(
        `${directory.path} has everything that the backup has, and newer SSTables. They stay; --replace moves them aside`,
      )
    }
    const aside = newer ? [] : foreign
    problems.foreign(directory.path, aside)
    const times = place.moments.flatMap(({ listed }) => (listed === undefined ? [] : [listed]))
    const listed = times.length === 0 ? undefined : Math.max(...times)
    const named = place.moments.flatMap(({ sets }) => sets)
    found.push({ directory: { ...directory, listed, base, aside: dataFirst(aside) }, sets: named })
  }
  const archived = await findArchived(
    deps.client,
    sets.flatMap(({ files }) => files),
    deps.signal,
  )
  const frozen = archived.map(({ file }) => file)
  if (frozen[0] !== undefined && !config.partial)
    problems.archived(describeArchived(archived, deps.client), frozen[0].key)
  const kept = withoutFrozen(sets, archived, config.partial)
  // tableslurp is told the directory itself.
  if (scope === undefined) await problems.superseded(kept.filter(({ origin }) => !mapping.maps(origin)))
  const shares = await sharesOf(kept, bases)
  for (const share of shares) problems.space(share)
  await problems.held([
    ...kept.flatMap(({ directory, remove, exchange }) =>
      [...remove, ...exchange].map(file => join(directory.path, file)),
    ),
    ...found.flatMap(({ directory: { path, aside } }) => aside.map(file => join(path, file))),
  ])
  // Listings may have the word in all directories of a unit.
  const speaking = new Set([...moments.directories.values()].map(({ unit }) => unit))
  const keys = new Set([...refused, ...frozen].map(({ key }) => key))
  const stays = (set: MomentSet): boolean =>
    !set.whole || damaged.has(set) || set.files.some(({ key }) => keys.has(key))
  const away = new Set(all.filter(stays).map(pathOf))
  const directories = found.map(({ directory, sets }) => {
    const own = directory.listed === undefined ? [] : sets
    return { ...directory, away: own.filter(set => away.has(pathOf(set))).length }
  })
  return {
    name,
    target: target.root,
    away,
    units: [...units.found.values()].filter(({ unit }) => speaking.has(unit)),
    directories,
    sets: kept,
    files: kept.reduce((sum, { files }) => sum + files.length, 0),
    bytes: kept.reduce((sum, { files }) => sum + files.reduce((part, { size }) => part + size, 0), 0),
    present,
    missing: [
      ...all.flatMap(({ missing }) => missing),
      ...(config.partial ? archived.map(({ file, where }) => frozenFile(file, where)) : []),
    ],
    broken: all.filter(({ whole, files }) => !whole && files.length > 0).map(pathOf),
    corrupt: corrupt.map(pathOf),
    unlisted: catalog.unlisted,
    later: moments.later,
    refused,
    shares,
    segments: await segmentsBeside(directories.map(({ path }) => path)),
    problems: problems.found,
  }
}

function pathOf({ directory, name }: MomentSet): string {
  return join(directory, name)
}

/** The SSTables that can be restored although some objects are archived (with --partial): those without archived files. */
function withoutFrozen(
  sets: readonly PlannedSet[],
  archived: readonly ArchivedFile[],
  partial: boolean,
): readonly PlannedSet[] {
  if (!partial || archived.length === 0) return sets
  const frozen = new Set(archived.map(({ file }) => file.key))
  return sets.filter(({ files }) => !files.some(({ key }) => frozen.has(key)))
}

function frozenFile({ key }: MomentFile, where: string): Missing {
  return { key, reason: `is archived (${where}): its SSTable is not restored` }
}

/** A map that names nothing is a slip of the pen, and a table's would be restored to another place than is meant. */
function checkUsed({ unused }: Mapping, name: string, log: Logger): void {
  const [table] = unused.tables
  if (table !== undefined) {
    const message = `--map-table ${table}: nothing is restored of a table of that name of ${name}; --list shows what there is`
    throw new TablesnapError({ code: 'MAP_UNUSED', message, step: { operation: 'restore' } })
  }
  for (const { from, to } of unused.paths)
    log.warn(`--map-path ${from}=${to}: nothing that was below ${from} is restored`)
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
  const shares = new Map<string, { base: string; needed: number; free: number; files: MomentFile[] }>()
  for (const { base, directory, files } of sets) {
    const id = await bases.id(directory.existing)
    const { block, free } = await spaceAt(directory.existing)
    const known = shares.get(id)
    const needed = files.reduce((sum, { size }) => sum + Math.ceil(size / block) * block, known?.needed ?? 0)
    const all = known?.files ?? []
    for (const file of files) all.push(file)
    shares.set(id, { base: known?.base ?? base, needed, free, files: all })
  }
  return Promise.all(
    [...shares.values()].map(async ({ base, needed, free, files }) => {
      const staged = Math.min(needed, await partialBytes(base, files))
      return { base, needed: needed - staged, free, staged }
    }),
  )
}

function isData(name: string): boolean {
  return name.endsWith('-Data.db')
}

function dataLast(files: readonly MomentFile[]): MomentFile[] {
  return [...files.filter(({ name }) => !isData(name)), ...files.filter(({ name }) => isData(name))]
}
