import { TablesnapError } from '../errors.js'
import { compareKeys } from '../manifest/key-order.js'
import type { NamedObject } from '../manifest/named-objects.js'
import type { ListPage, ListedObject } from '../s3/list.js'

/** The files whose content an object should hold; more than one where restore points or hardlinks share it. */
export type Names = readonly [NamedObject, ...NamedObject[]]

/** Names in the order of their keys. */
export interface NameSource {
  /** Undefined at the end. */
  next(): Names | undefined
}

/** One key, as a LIST and as the restore points tell of it. */
export type Compared =
  | { readonly kind: 'present'; readonly object: ListedObject; readonly names: Names }
  | { readonly kind: 'missing'; readonly key: string; readonly names: Names }
  | { readonly kind: 'other-size'; readonly object: ListedObject; readonly names: Names }
  | { readonly kind: 'unnamed'; readonly object: ListedObject }
  | { readonly kind: 'below'; readonly prefix: string }

/**
 * Compares one directory's keys as LIST shows them with those that restore points name: both come in the order of their bytes, so
 * that one of each is in memory.
 * @throws S3Error; TablesnapError `LIST_UNSORTED`
 */
export async function* compareDirectory(
  pages: AsyncIterable<ListPage>,
  source: NameSource,
): AsyncGenerator<Compared> {
  let names = source.next()
  let last: string | undefined
  for await (const { objects, prefixes } of pages) {
    for (const prefix of prefixes) yield { kind: 'below', prefix }
    for (const object of objects) {
      const { key } = object
      if (last !== undefined && compareKeys(key, last) <= 0) throw unsorted(key, last)
      last = key
      for (; names !== undefined && compareKeys(names[0].key, key) < 0; names = source.next())
        yield { kind: 'missing', key: names[0].key, names }
      if (names?.[0].key !== key) yield { kind: 'unnamed', object }
      else {
        const { size } = object
        const isOther = !Number.isNaN(size) && names.some(({ entry }) => entry.size !== size)
        yield { kind: isOther ? 'other-size' : 'present', object, names }
        names = source.next()
      }
    }
  }
  for (; names !== undefined; names = source.next()) yield { kind: 'missing', key: names[0].key, names }
}

/** Of some names those that a test lets through. */
export class FilteredNames implements NameSource {
  readonly #source: NameSource
  readonly #takes: (name: NamedObject) => boolean

  constructor(source: NameSource, takes: (name: NamedObject) => boolean) {
    this.#source = source
    this.#takes = takes
  }

  next(): Names | undefined {
    for (let names = this.#source.next(); names !== undefined; names = this.#source.next())
      if (this.#takes(names[0])) return names
    return undefined
  }
}

/** Whether a key lies directly in a directory. @param prefix of the directory's keys, with its last slash */
export function isDirectlyIn(key: string, prefix: string): boolean {
  return key.startsWith(prefix) && !key.includes('/', prefix.length)
}

function unsorted(key: string, previous: string): TablesnapError {
  return new TablesnapError({
    code: 'LIST_UNSORTED',
    message: `the server does not list keys in the order of their bytes: ${key} comes after ${previous}`,
    step: { operation: 'ListObjectsV2', key },
  })
}
