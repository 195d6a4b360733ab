import type { S3Client } from '../s3/client.js'
import { listObjects, type ListedObject } from '../s3/list.js'
import type { KeyLayout } from '../state/keys.js'
import { LISTING_SUFFIX } from '../state/listing.js'

/** What the bucket holds of the files below some paths, as LIST shows it. */
export class KnownObjects {
  readonly #objects = new Map<string, ListedObject>()
  /** By the keys' directories, with the slash at their end. */
  readonly #listings = new Map<string, ListedObject>()

  /** Lists the keys of all files below `path`. @throws S3Error */
  async load(client: S3Client, keys: KeyLayout, path: string, signal?: AbortSignal): Promise<void> {
    const prefix = `${keys.files}${path === '/' ? '' : path}/`
    for await (const object of listObjects(client, { prefix, signal })) {
      if (object.key.endsWith(LISTING_SUFFIX)) this.#addListing(object)
      else this.#objects.set(object.key, object)
    }
  }

  /** The object of a key; undefined when the bucket had none at the time of the LIST. */
  get(key: string): ListedObject | undefined {
    return this.#objects.get(key)
  }

  /** Whether the newest listing of its directory was this one, by its key and its MD5 in hex. */
  isNewestListing(key: string, md5: string): boolean {
    const newest = this.#listings.get(directoryOf(key))
    return newest?.key === key && newest.etag === md5
  }

  #addListing(object: ListedObject): void {
    const directory = directoryOf(object.key)
    const newest = this.#listings.get(directory)
    // LIST goes by key, and of two from one second readers take the later key.
    if (newest === undefined || object.lastModified >= newest.lastModified) {
      this.#listings.set(directory, object)
    }
  }
}

function directoryOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1)
}
