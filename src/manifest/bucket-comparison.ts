import { TablesnapError } from '../errors.js'
import { hex64 } from '../s3/checksum.js'
import type { ListPage, ListedObject } from '../s3/list.js'
import { CRC64_METADATA, type ObjectInfo } from '../s3/object.js'

import { compareKeys, justBefore } from './key-order.js'
import type { NamedObject, NamedObjects } from './named-objects.js'
import type { Entry } from './state.js'

/** A key that manifests name, and under which a LIST does not show what they say. */
export interface Difference {
  readonly key: string
  /** The files whose content the object should hold: hardlinks share one. */
  readonly names: readonly [NamedObject, ...NamedObject[]]
  /** The object, where its size is right and only {@link IsSuspect} speaks against it. */
  readonly suspect: ListedObject | undefined
}

/** Whether to look into an object although a LIST shows it with its size. */
export type IsSuspect = (name: NamedObject, object: ListedObject) => boolean

/** LISTs the keys after one, page by page, in the order of their bytes. */
export type ListAfter = (startAfter: string) => AsyncIterable<ListPage>

/**
 * Compares what manifests name with what LIST shows: keys that are missing, have another size, or are suspect. Each page of 1,000 keys
 * begins at the next key that is named, so the keys of SSTables that are no more cost no request of their own.
 * @throws S3Error; TablesnapError `LIST_UNSORTED`: then nothing can be concluded from what follows
 */
export async function* differences(
  named: Pick<NamedObjects, 'next'>,
  list: ListAfter,
  isSuspect: IsSuspect = () => false,
): AsyncGenerator<Difference> {
  let names = named.next()
  /** The last key that was read, or one after which reading begins. */
  let last = ''
  while (names !== undefined) {
    const begin = justBefore(names[0].key)
    if (compareKeys(begin, last) > 0) last = begin
    const start = last
    let previous: string | undefined
    let beginsAnew = false
    let hasEnded = true
    for await (const { objects } of list(start)) {
      for (const object of objects) {
        const { key, size } = object
        // A server that does not know start-after begins with the first key of all: it is read page by page.
        if (previous === undefined) beginsAnew = compareKeys(key, start) <= 0
        else if (compareKeys(key, previous) <= 0) throw unsorted(key, previous)
        previous = key
        if (compareKeys(key, last) <= 0) continue
        last = key
        while (names !== undefined && compareKeys(names[0].key, key) < 0) {
          yield { key: names[0].key, names, suspect: undefined }
          names = named.next()
        }
        if (names?.[0].key !== key) continue
        if (hasOtherSize(size, names)) yield { key, names, suspect: undefined }
        else if (names.some(name => isSuspect(name, object))) yield { key, names, suspect: object }
        names = named.next()
      }
      // Some servers begin with pages without keys.
      if (previous === undefined) continue
      if (names === undefined) return
      hasEnded = beginsAnew
      if (!beginsAnew) break
    }
    if (!hasEnded) continue
    for (; names !== undefined; names = named.next()) yield { key: names[0].key, names, suspect: undefined }
  }
}

/** A LIST that does not tell sizes proves nothing. */
function hasOtherSize(size: number, names: readonly NamedObject[]): boolean {
  return !Number.isNaN(size) && names.some(({ entry }) => entry.size !== size)
}

/** How an object stands to what a manifest says of it. */
export type Standing = 'right' | 'missing' | 'other'

/** Judges by HEAD, which is believed more than LIST: an object that was just written may not be in a LIST yet. */
export function standingOf(object: ObjectInfo | undefined, { size, crc64 }: Entry): Standing {
  if (object === undefined) return 'missing'
  if (object.size !== size) return 'other'
  const { type, crc64nvme } = object.checksums
  const known =
    type === 'FULL_OBJECT' && crc64nvme !== undefined ? hex64(crc64nvme) : object.metadata[CRC64_METADATA]
  return known === undefined || crc64 === undefined || known === crc64 ? 'right' : 'other'
}

function unsorted(key: string, previous: string): TablesnapError {
  return new TablesnapError({
    code: 'LIST_UNSORTED',
    message: `the server does not list keys in the order of their bytes: ${key} comes after ${previous}`,
    step: { operation: 'ListObjectsV2', key },
  })
}
