import { LISTING_SUFFIX } from '../../bucket-names.js'
import type { Config } from '../../config/config.js'
import { TablesnapError } from '../../errors.js'
import { KeyLayout, parseStateKey } from '../../manifest/keys.js'
import { firstObject } from '../../s3/list.js'
import type { RestoreDeps } from '../deps.js'

/** To the end of its second: S3 tells of an object's time no more than that. */
const SECOND = 1000

/**
 * A configuration whose `at` is the time of the state or the listing that `atKey` names, where it names one.
 * @throws S3Error; TablesnapError `MOMENT_MISSING` for a key that is none of this node's, or that the bucket has not
 */
export async function atMoment(config: Config, { client, node, signal }: RestoreDeps): Promise<Config> {
  const { atKey: key, prefix, separator } = config
  const { name } = node
  if (key === undefined) return config
  const keys = new KeyLayout(prefix, name, separator)
  const states = keys.states('')
  const state = key.startsWith(states) ? parseStateKey(key.slice(states.length)) : undefined
  if (state === undefined && !(key.startsWith(keys.files) && key.endsWith(LISTING_SUFFIX))) {
    throw missing(
      key,
      `is neither the key of a state of ${name} (${states}…) nor of a listing (${keys.files}…)`,
    )
  }
  const object = await firstObject(client, { prefix: key, signal })
  if (object?.key !== key) throw missing(key, `is not in bucket ${client.settings.bucket}`)
  const { lastModified } = object
  return { ...config, at: state?.time ?? lastModified - (lastModified % SECOND) + SECOND - 1 }
}

function missing(key: string, why: string): TablesnapError {
  return new TablesnapError({
    code: 'MOMENT_MISSING',
    message: `--at ${key} ${why}: --list prints the restore points`,
    step: { operation: 'restore', key },
  })
}
