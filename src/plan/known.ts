import type { S3Client } from '../s3/client.js'
import { listObjects, type ListedObject } from '../s3/list.js'
import type { KeyLayout } from '../state/keys.js'

/** What the bucket holds of the files in some directories, as LIST shows it. */
export class KnownObjects {
  readonly #objects = new Map<string, ListedObject>()

  /** Lists the keys of the files in a directory, not of those below. @throws S3Error */
  async load(client: S3Client, keys: KeyLayout, path: string, signal?: AbortSignal): Promise<void> {
    const prefix = `${keys.files}${path === '/' ? '' : path}/`
    for await (const object of listObjects(client, { prefix, delimiter: '/', signal }))
      this.#objects.set(object.key, object)
  }

  /** The object of a key; undefined when the bucket had none at the time of the LIST. */
  get(key: string): ListedObject | undefined {
    return this.#objects.get(key)
  }
}
