import { OWN_FOLDER } from '../../bucket-names.js'
import { TablesnapError } from '../../errors.js'
import { isS3Error } from '../../s3/errors.js'
import { listPages, listLeaping } from '../../s3/list.js'

import type { CatalogSource } from './catalog.js'

/** Names shown when nothing is found under the one asked for. */
const NAMES_SHOWN = 20

/** Folders of a bucket in which a backup under another prefix is looked for. */
const FOLDERS_SEARCHED = 20

type NamesSource = Pick<CatalogSource, 'client' | 'prefix' | 'separator' | 'signal'>

/**
 * The names under which a bucket has something: nodes with restore points first, then those that have files alone, each in key
 * order. Where the separator is empty, no name can be told from a path: then the first kind alone.
 * @throws S3Error; `ListTruncated` when the server does not tell all of them
 */
export async function* nodeNames({ client, prefix, separator, signal }: NamesSource): AsyncGenerator<string> {
  const known = new Set<string>()
  const own = `${prefix}${OWN_FOLDER}`
  for await (const { prefixes } of listPages(client, { prefix: own, delimiter: '/', signal })) {
    for (const found of prefixes) {
      const name = found.slice(own.length, -1)
      known.add(name)
      yield name
    }
  }
  if (separator === '') return
  // A delimiter would tell the names in fewer answers, but some servers know no other than a slash.
  const rootOf = (key: string): string | undefined => {
    if (key.startsWith(own)) return own
    const end = key.indexOf(separator, prefix.length)
    return end === -1 ? undefined : key.slice(0, end + separator.length)
  }
  for await (const { key } of listLeaping(client, { prefix, signal }, rootOf)) {
    const root = rootOf(key)
    const name = root?.slice(prefix.length, -separator.length)
    if (root === own || name === undefined || known.has(name)) continue
    known.add(name)
    yield name
  }
}

/** The error of a node that has nothing in the bucket; it names those that have, or the prefixes under which there are some. */
export async function nothingFound(source: CatalogSource): Promise<TablesnapError> {
  const { client, prefix, name, separator } = source
  const { names, isCut } = await someNames(source)
  if (names.includes(name)) return nothingYet(source)
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  const hint =
    names.length === 0
      ? await elsewhere(source)
      : `the bucket has ${shown}${names.length > NAMES_SHOWN || isCut ? ', …' : ''}: choose one with -n`
  return new TablesnapError({
    code: 'NOTHING_FOUND',
    message: `there is nothing of ${name} in bucket ${client.settings.bucket} (keys ${prefix}${name}${separator}…); ${hint}`,
    step: { operation: 'restore' },
  })
}

/** A tablesnap has taken the name, and has uploaded nothing so far. */
function nothingYet({ client, prefix, name, separator }: CatalogSource): TablesnapError {
  return new TablesnapError({
    code: 'NOTHING_FOUND',
    message: `there is no backup of ${name} in bucket ${client.settings.bucket} yet (keys ${prefix}${name}${separator}…): a tablesnap of this name has begun, and has uploaded nothing so far`,
    step: { operation: 'restore' },
  })
}

/** Names for a hint; one more than is shown. A server that cannot tell all of them spoils no hint. */
async function someNames(source: NamesSource): Promise<{ names: readonly string[]; isCut: boolean }> {
  const names: string[] = []
  try {
    for await (const found of nodeNames(source)) {
      names.push(found)
      if (names.length > NAMES_SHOWN) break
    }
  } catch (error) {
    if (!isAnswer(error)) throw error
    return { names, isCut: true }
  }
  return { names, isCut: false }
}

/** Prefixes under which a backup may be, if no key begins with the given one. */
async function elsewhere(source: NamesSource): Promise<string> {
  const prefixes = await prefixesWithNodes(source)
  if (prefixes.length === 0)
    return 'and under no other name either: check the bucket, --prefix and --keyname-separator'
  const flags = prefixes.map(prefix => `--prefix ${JSON.stringify(prefix)}`).join(', ')
  return `the bucket has backups with ${flags}`
}

/** Prefixes in the root of the bucket or in one of its folders under which nodes have restore points. */
async function prefixesWithNodes({ client, signal }: NamesSource): Promise<string[]> {
  const found: string[] = []
  const folders = ['']
  try {
    for (const folder of folders) {
      for await (const { prefixes } of listPages(client, { prefix: folder, delimiter: '/', signal })) {
        for (const prefix of prefixes) {
          if (prefix.endsWith(OWN_FOLDER)) found.push(prefix.slice(0, -OWN_FOLDER.length))
          else if (folder === '' && folders.length <= FOLDERS_SEARCHED) folders.push(prefix)
        }
      }
    }
  } catch (error) {
    // Whoever may list the node's own prefix may have no right to look at others.
    if (!isAnswer(error)) throw error
  }
  return found
}

/** Whether a server has answered a LIST with an error: S3Proxy fails for ever at a part that was cut, under other prefixes than ours. */
function isAnswer(error: unknown): boolean {
  return isS3Error(error) && error.status !== 0
}
