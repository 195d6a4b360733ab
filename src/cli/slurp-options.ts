import { basename, dirname, resolve } from 'node:path'

import { Option } from 'commander'

import { LISTING_SUFFIX } from '../bucket-names.js'
import { ArgumentsMissingError, loadConfig, type LoadedConfig } from '../config/load.js'
import { longFlag } from '../config/setting.js'
import { settingOf, type SettingKey } from '../config/settings.js'
import { UsageError } from '../errors.js'
import { USER_DATABASE } from '../node/user-database.js'
import { findId, type Ownership } from '../restore/place/owner.js'
import type { Scope } from '../restore/read/scope.js'

import type { FlagValues } from './flag-values.js'
import { parseOwn, type OwnCommand, type Places, type Print } from './own-command.js'
import type { OptionGroups } from './parse.js'
import { NODE, REQUESTS, S3, SHARED_HELP, sharedOptions } from './shared-options.js'
import { slurpEpilogue } from './slurp-help.js'

/** A run of tableslurp. */
export interface SlurpRun extends LoadedConfig {
  /** Undefined where moments or names are listed, of everything. */
  readonly scope: Scope | undefined
  readonly ownership: Ownership | undefined
}

/** A command line of tableslurp, with the configuration of its run. */
export type SlurpStart = Print | (SlurpRun & { readonly action: 'run' })

const THERE = ['force', 'replace', 'partial'] as const
const ENGINE = ['threads', 'memory', ...REQUESTS, 'progress'] as const

/** Flags of tablesnap's -D that choose what to restore; the second group works only with -r. */
const CHOICES = ['at', 'all', 'dry_run', 'list', 'limit', 'since', 'list_nodes'] as const
const BELOW = ['keyspace', 'table', 'map_path', 'map_table'] as const

const SHARED_KEYS: readonly SettingKey[] = [...CHOICES, ...BELOW, ...NODE, ...THERE, ...S3, ...ENGINE]

/** Help where tablesnap's speaks of its modes. */
const HELP: Partial<Record<SettingKey, string>> = {
  ...SHARED_HELP,
  at: "the newest restore point not later than this: 2026-11-23T04:12:33Z, or in this machine's local time '2026-11-23 04:12:33', or yesterday 14:00, or a Unix time, or 2h (ago), or the key of a manifest or a listing; not with -f or --commitlogs",
  all: 'restore every object of the origin that was ever uploaded; not with --at, -f or --commitlogs',
  list: 'print the restore points of the origin, the newest first, and exit; with -r those below it too, without an origin all',
  list_nodes: 'print the names of the nodes in the bucket, and exit; needs no origin',
  keyspace: 'with -r: restore only the tables of this keyspace; repeatable',
  table: 'with -r: restore only this table; repeatable',
  map_path:
    'with -r: restore everything that was below the path old to new below the target; the longest old that matches counts; repeatable',
  map_table:
    'with -r: restore this table into the directory that it has now, after it was dropped and created again; repeatable',
  dry_run: 'print the plan and change nothing',
  progress: 'show how far the restore is: a bar on a terminal, else a line every 10 s (the default)',
  partial:
    'accept that SSTables are missing, or that tables below the origin have no manifest and no upstream listing',
}

/** -p is --preserve here, as it always was. */
const SHORTS: Partial<Record<SettingKey, string>> = { prefix: '', aws_token: '--token' }

function shared(key: SettingKey): Option[] {
  return sharedOptions(key, { help: HELP[key], flag: SHORTS[key] })
}

function groups(): OptionGroups {
  return {
    'What to restore': [
      new Option(
        '-f, --file <file>',
        'restore what was there when this file was uploaded: the upstream listing named after it, else the oldest restore point that names it',
      ),
      new Option(
        '-r, --recursive',
        'restore the origin and every directory below it that has a manifest or an upstream listing',
      ),
      new Option('--commitlogs <path>', 'restore all commit log segments of this directory'),
      ...CHOICES.flatMap(shared),
      ...BELOW.flatMap(shared),
    ],
    'Node and keys': NODE.flatMap(shared),
    'What is there already': THERE.flatMap(shared),
    Owners: [
      new Option('-p, --preserve', 'restore the owner and group of each file from its metadata'),
      new Option(
        '-o, --owner <user>',
        'owner of all files; with -p, of those without an owner in their metadata',
      ),
      new Option(
        '-g, --group <group>',
        'group of all files; with -p, of those without a group in their metadata',
      ),
    ],
    S3: S3.flatMap(shared),
    Engine: ENGINE.flatMap(shared),
  }
}

/** The command line of tableslurp. */
export const tableslurp: OwnCommand = {
  name: 'tableslurp',
  positionals: '<bucket> <origin> <target>',
  description:
    "Restores the SSTables of one directory of a Cassandra node (origin) into a directory here (target): what the origin's " +
    'newest state in the bucket names, or in a bucket of the Python program its newest listing. Everything is verified, and put into place set by set.',
  epilogue: slurpEpilogue,
  groups,
}

/**
 * Makes a run's configuration of its command line, environment and conf file, or the text that `--help` and `--version`
 * ask for.
 * @throws UsageError, and what {@link loadConfig} throws
 */
export function startSlurp(argv: readonly string[], places: Places, columns?: number): SlurpStart {
  const parsed = parseOwn(tableslurp, argv, columns)
  if (parsed.action === 'print') return parsed
  const { values, positionals } = parsed
  const [bucket, origin, target] = positionals
  if (bucket === undefined) throw new ArgumentsMissingError('bucket, origin and target are missing')
  const lists = values.has('--list') || values.has('--list-nodes')
  if (!lists && (origin === undefined || target === undefined)) {
    throw new ArgumentsMissingError(
      `${origin === undefined ? 'origin and target are' : 'the target is'} missing`,
    )
  }
  const given = target === undefined ? [bucket] : [bucket, target]
  const loaded = loadConfig({ flags: flagsOf(values, lists), positionals: given, ...places })
  const scope = origin === undefined ? undefined : scopeOf(origin, values)
  return { ...loaded, action: 'run', scope, ownership: ownershipOf(values) }
}

function flagsOf(values: FlagValues, lists: boolean): Map<SettingKey, readonly string[]> {
  const flags = new Map<SettingKey, readonly string[]>([
    // The conf file is tablesnap's, too, and may ask for other things.
    ['download', ['true']],
    ['all', ['false']],
    ['list', ['false']],
    ['list_nodes', ['false']],
    ...values.settings(SHARED_KEYS),
  ])
  if (values.has('--recursive') || lists) return flags
  for (const key of BELOW) {
    if (flags.has(key))
      throw new UsageError('SETTINGS_CONFLICT', `${longFlag(settingOf(key))} works only with -r/--recursive`)
    flags.set(key, [])
  }
  return flags
}

function scopeOf(text: string, values: FlagValues): Scope {
  const origin = pathOf(text, 'the origin (the second argument)')
  const file = values.text('--file')
  const commitlogs = values.text('--commitlogs')
  const isRecursive = values.has('--recursive')
  const chosen = [
    ...(file === undefined ? [] : ['-f/--file']),
    ...(isRecursive ? ['-r/--recursive'] : []),
    ...(commitlogs === undefined ? [] : ['--commitlogs']),
  ]
  if (values.raw('--at') !== undefined && !isRecursive) chosen.push('--at')
  if (values.has('--all') && !isRecursive) chosen.push('--all')
  if (chosen.length > 1) {
    throw new UsageError('SETTINGS_CONFLICT', `${chosen.join(' and ')} cannot be used together`)
  }
  if (commitlogs !== undefined) return { origin: pathOf(commitlogs, '--commitlogs'), take: 'commitlogs' }
  if (file !== undefined) return { origin, take: { listing: listingName(file, origin) } }
  return { origin, take: isRecursive ? 'below' : 'newest' }
}

/** A directory on the node that was backed up; the text is not repeated, for arguments may be in the wrong order. */
function pathOf(text: string, what: string): string {
  if (!text.startsWith('/') || text.includes('\0')) {
    throw new UsageError(
      'PATH_INVALID',
      `${what} is a directory of the node that was backed up: its path begins with /`,
    )
  }
  return resolve(text)
}

function listingName(file: string, origin: string): string {
  const name = basename(file)
  if (file.includes('/') && (!file.startsWith('/') || resolve(dirname(file)) !== origin)) {
    throw new UsageError('SETTING_INVALID', '--file: it is the name of a file in the origin, without a path')
  }
  return name.endsWith(LISTING_SUFFIX) ? name.slice(0, -LISTING_SUFFIX.length) : name
}

function ownershipOf(values: FlagValues): Ownership | undefined {
  const preserve = values.has('--preserve')
  const uid = idOf('user', '-o/--owner', values.text('--owner'))
  const gid = idOf('group', '-g/--group', values.text('--group'))
  if (!preserve && uid === undefined && gid === undefined) return undefined
  if (process.geteuid?.() !== 0) {
    const groups = new Set([process.getegid?.(), ...(process.getgroups?.() ?? [])])
    if (uid !== undefined && uid !== process.geteuid?.()) throw notRoot('-o/--owner', 'to another user')
    if (gid !== undefined && !groups.has(gid)) throw notRoot('-g/--group', 'to a group that is not ours')
  }
  return { preserve, uid, gid }
}

function idOf(kind: 'user' | 'group', flag: string, name: string | undefined): number | undefined {
  if (name === undefined) return undefined
  const id = findId(kind, name)
  if (id !== undefined) return id
  throw new UsageError(
    'OWNER_UNKNOWN',
    `${flag}: there is no ${kind} ${JSON.stringify(name)} in ${USER_DATABASE[kind]}; give its number`,
  )
}

function notRoot(flag: string, whom: string): UsageError {
  return new UsageError('OWNER_REFUSED', `${flag}: only root may give files ${whom}`)
}
