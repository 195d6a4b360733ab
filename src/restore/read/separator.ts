import type { Config } from '../../config/config.js'
import { KeyLayout } from '../../manifest/keys.js'
import { checkSeparator, readSeparator } from '../../manifest/separator.js'
import type { RestoreDeps } from '../deps.js'

/**
 * Refuses another --keyname-separator than that of the node's keys: with it every file would pass for missing.
 * @throws S3Error; TablesnapError `SEPARATOR_CHANGED`
 */
export async function refuseOtherSeparator(
  { prefix, separator }: Config,
  { client, node, signal }: RestoreDeps,
): Promise<void> {
  const keys = new KeyLayout(prefix, node.name, separator)
  checkSeparator(node.name, await readSeparator(client, keys, signal), separator)
}
