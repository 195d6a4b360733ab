import { TablesnapError } from '../errors.js'
import { listPages } from '../s3/list.js'

import { isOwn, type CatalogSource } from './catalog.js'

/** Names shown when nothing is found under the one asked for. */
const NAMES_SHOWN = 20

/**
 * The names under which a bucket has something, in key order: those of files first, then of nodes that have states alone.
 * Where the separator is empty, no name can be told from a path: then those of nodes with states.
 * @throws S3Error
 */
export async function* nodeNames({
  client,
  prefix,
  separator,
  signal,
}: Pick<CatalogSource, 'client' | 'prefix' | 'separator' | 'signal'>): AsyncGenerator<string> {
  const known = new Set<string>()
  const own = `${prefix}.tablesnap/`
  const places = [...(separator === '' ? [] : [[prefix, separator] as const]), [own, '/'] as const]
  for (const [root, delimiter] of places) {
    for await (const { prefixes } of listPages(client, { prefix: root, delimiter, signal })) {
      for (const found of prefixes) {
        const name = found.slice(root.length, -delimiter.length)
        if (known.has(name) || (root === prefix && isOwn(found, prefix))) continue
        known.add(name)
        yield name
      }
    }
  }
}

/** The error of a node that has nothing in the bucket; it names those that have. */
export async function nothingFound(source: CatalogSource): Promise<TablesnapError> {
  const { client, prefix, name, separator } = source
  const names: string[] = []
  for await (const found of nodeNames(source)) {
    names.push(found)
    if (names.length > NAMES_SHOWN) break
  }
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  const hint =
    names.length === 0
      ? 'and under no other name either: check the bucket, --prefix and --keyname-separator'
      : `the bucket has ${shown}${names.length > NAMES_SHOWN ? ', …' : ''}: choose one with -n`
  return new TablesnapError({
    code: 'NOTHING_FOUND',
    message: `there is nothing of ${name} in bucket ${client.settings.bucket} (keys ${prefix}${name}${separator}…); ${hint}`,
    operation: 'restore',
  })
}
