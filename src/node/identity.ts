import { hostname } from 'node:os'

import type { Config, NameSource } from '../config/config.js'
import { checkName } from '../config/name.js'
import { TablesnapError } from '../errors.js'

import { findFqdn, systemSources, type FqdnSources } from './fqdn.js'
import { isEc2, launchIndex, type ImdsTimes } from './imds.js'

/** The sources of the node's identity; a test may replace any of them. */
export interface IdentitySources extends Partial<FqdnSources> {
  readonly env?: NodeJS.ProcessEnv
  /** `/sys/class/dmi/id`. */
  readonly dmiFolder?: string
  readonly imdsTimes?: ImdsTimes
}

/** The node's name in the bucket. */
export interface Identity {
  readonly name: string
  /** Where it comes from: `-n`, or what `--name-from` calls it. */
  readonly source: 'flag' | NameSource
  /** Why the name may be another one the next time. */
  readonly warning?: string
}

async function fqdn(sources: IdentitySources, asked: boolean): Promise<Identity> {
  const own = sources.hostname ?? hostname()
  const { name, doubt } = await findFqdn({ ...systemSources, ...sources, hostname: own })
  if (doubt === undefined) return { name, source: name === own && !name.includes('.') ? 'hostname' : 'fqdn' }
  const reason = `the full name of ${own} cannot be looked up (${doubt})`
  if (asked) {
    throw new TablesnapError({
      code: 'IDENTITY_UNKNOWN',
      message: `${reason}; choose a name with -n NAME or --name-from hostname`,
    })
  }
  return {
    name,
    source: 'hostname',
    warning: `${reason}; this node goes by ${name}, which -n NAME makes certain`,
  }
}

async function find(nameFrom: NameSource | undefined, sources: IdentitySources): Promise<Identity> {
  switch (nameFrom) {
    case 'hostname':
      return { name: sources.hostname ?? hostname(), source: 'hostname' }
    case 'fqdn':
      return fqdn(sources, true)
    case 'ami-launch-index':
      return { name: await launchIndex(sources.env ?? process.env, sources.imdsTimes), source: nameFrom }
    case undefined:
      return isEc2(sources.dmiFolder ?? '/sys/class/dmi/id')
        ? find('ami-launch-index', sources)
        : fqdn(sources, false)
  }
}

/**
 * Finds the name that this node has in the bucket: `-n`, else by `--name-from`, else the launch index on EC2
 * and the fully qualified domain name anywhere else. On EC2 a failure is an error, never another name.
 * @throws TablesnapError `IDENTITY_UNKNOWN`
 * @throws UsageError `NAME_INVALID`
 */
export async function resolveName(
  { name, nameFrom, separator }: Pick<Config, 'name' | 'nameFrom' | 'separator'>,
  sources: IdentitySources = {},
): Promise<Identity> {
  const identity: Identity = name !== undefined ? { name, source: 'flag' } : await find(nameFrom, sources)
  checkName(identity.name, separator)
  return identity
}
