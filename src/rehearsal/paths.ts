import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'

import { Filter } from '../backup/filter.js'
import type { Config } from '../config/config.js'
import { errorMessage } from '../errors.js'
import { checkPath } from '../node/preflight.js'
import { counted, formatBytes } from '../report/format.js'
import { instanceFailure, watchLimits } from '../watch/limits.js'

import { survey } from './directories.js'
import { finding, type Finding } from './finding.js'

/** The paths that a backup reads, and the inotify watches that they need. */
export interface PathFindings {
  readonly findings: readonly Finding[]
  /** The Data.db of some SSTable; undefined: there is none. */
  readonly sample: string | undefined
}

/** Looks at the paths of a backup: whether they can be read, what lies below, and whether there are watches for it. */
export function checkSources(config: Config): PathFindings {
  const { paths, recursive, mode } = config
  const filter = new Filter(config.filter, paths)
  const findings: Finding[] = []
  const seen = new Set<string>()
  let directories = 0
  let sample: string | undefined
  for (const path of paths) {
    try {
      checkPath(path, config)
    } catch (error) {
      findings.push(finding('Paths', 'failure', errorMessage(error), { path }))
      continue
    }
    if (!existsSync(path)) {
      findings.push(finding('Paths', 'warning', `${path} does not exist yet: a run waits for it`, { path }))
      continue
    }
    const found = survey(path, recursive || mode === 'backup', one => filter.skips(one), seen)
    directories += found.directories
    sample ??= found.sample
    findings.push(...foundAt(path, found, config))
  }
  return { findings: [...findings, ...checkWatches(directories, config)], sample }
}

function foundAt(
  path: string,
  { directories, sstables, leftOut, unreadable }: ReturnType<typeof survey>,
  { recursive }: Config,
): Finding[] {
  const below = `${counted(directories, 'directory', 'directories')}, ${counted(sstables, 'SSTable')}`
  const fields = { path, directories, sstables, leftOut }
  return [
    finding('Paths', 'ok', `${path}: ${below}`, fields),
    ...(recursive || leftOut === 0
      ? []
      : [
          finding(
            'Paths',
            'warning',
            `${path}: without -r ${counted(leftOut, 'directory', 'directories')} below it and all in them are left out`,
          ),
        ]),
    ...unreadable.map(why =>
      finding('Paths', 'failure', `${why}: run tablesnap as Cassandra's user or root`, { path }),
    ),
  ]
}

/** Watches of a tablesnap that runs already are those that a new run needs. */
const OWN = ['tablesnap']

function checkWatches(needed: number, { mode }: Config): Finding[] {
  const failure = instanceFailure()
  if (failure !== undefined) return [finding('inotify', 'failure', failure)]
  const { most, used } = watchLimits(OWN)
  const text = counted(needed, 'watch', 'watches')
  const fields = { needed, used, limit: most ?? null }
  if (most === undefined)
    return [finding('inotify', 'warning', `${text} needed; the limit cannot be read`, fields)]
  const others = used === 0 ? '' : `, ${used} are in use by other programs of this user`
  if (needed + used <= most)
    return [finding('inotify', 'ok', `${text} needed of ${most} allowed${others}`, fields)]
  const short = Math.min(needed, needed + used - most)
  const message = `${text} needed, but only ${most} allowed${others}: ${counted(short, 'directory', 'directories')} would be scanned every minute instead; raise fs.inotify.max_user_watches (sysctl)`
  // A -B scans until two scans agree, and is done.
  return [finding('inotify', mode === 'backup' ? 'warning' : 'failure', message, fields)]
}

/** Looks at the directory that a restore writes into. */
export function checkTarget({ paths, list }: Config): Finding[] {
  const [path] = paths
  if (path === undefined || list !== undefined) return []
  let place = path
  while (!existsSync(place) && place !== '/') place = dirname(place)
  try {
    accessSync(place, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(place)
    const free = bavail * bsize
    const made = place === path ? '' : ` (it will be made in ${place})`
    return [
      finding('Paths', 'ok', `${path}${made}: can be written, ${formatBytes(free)} free`, { path, free }),
    ]
  } catch (error) {
    const message = `${path} cannot be written: ${errorMessage(error)}`
    return [finding('Paths', path === '/' ? 'warning' : 'failure', message, { path })]
  }
}
