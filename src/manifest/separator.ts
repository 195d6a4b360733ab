import { TablesnapError } from '../errors.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { getObject } from '../s3/object.js'

import type { KeyLayout } from './keys.js'

/**
 * Reads from a node's node.json with which separator between name and path the keys of its files were written.
 * @returns undefined where node.json is missing, may not be read, or is of an earlier version
 * @throws S3Error
 */
export async function readSeparator(
  client: S3Client,
  keys: KeyLayout,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    const { body } = await getObject(client, keys.node, { signal })
    return parseSeparator(body.toString('utf8'))
  } catch (error) {
    if (isS3Error(error, 403, 404)) return undefined
    throw error
  }
}

/** The separator in a node.json: `{"separator": ":", …}`; undefined where it says none. */
function parseSeparator(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { separator } = value as { separator?: unknown }
    return typeof separator === 'string' ? separator : undefined
  } catch {
    return undefined
  }
}

/**
 * Refuses another separator than that of a node's keys: files would not be found under their keys.
 * @param written of the node's keys; undefined: not known, anything goes
 * @throws TablesnapError `SEPARATOR_CHANGED`, which names the flag
 */
export function checkSeparator(name: string, written: string | undefined, given: string): void {
  if (written === undefined || written === given) return
  const [was, is] = [written, given].map(text => JSON.stringify(text))
  throw new TablesnapError({
    code: 'SEPARATOR_CHANGED',
    message: `the keys of ${name} were written with the separator ${was}, and this run has ${is}: give --keyname-separator ${was} (keyname_separator in tablesnap.conf), or another name with -n NAME`,
    step: { operation: 'separator' },
  })
}
