import type { KeyLayout } from '../manifest/keys.js'
import type { S3Client } from '../s3/client.js'
import { listObjects, type ListedObject } from '../s3/list.js'

/** What another program, such as the original, put into the bucket of the files in some directories, as LIST shows it. */
export class KnownObjects {
  readonly #before: number
  readonly #objects = new Map<string, ListedObject>()

  /** @param before when we began to write there, ms of the server's clock: what is younger may be ours, and hold anything */
  constructor(before: number) {
    this.#before = before
  }

  /** Lists the keys of the files in a directory, not of those below. @throws S3Error */
  async load(client: S3Client, keys: KeyLayout, path: string, signal?: AbortSignal): Promise<void> {
    const prefix = `${keys.files}${path === '/' ? '' : path}/`
    for await (const object of listObjects(client, { prefix, delimiter: '/', signal }))
      // LIST may give whole seconds, and the server's clock is known by whole seconds.
      if (object.lastModified < this.#before - 2_000) this.#objects.set(object.key, object)
  }

  /** The object of a key; undefined when the bucket had none of the kind at the time of the LIST. */
  get(key: string): ListedObject | undefined {
    return this.#objects.get(key)
  }
}
