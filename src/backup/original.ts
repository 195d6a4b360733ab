import { sameIdentity } from '../cassandra/file-identity.js'
import type { KeyLayout } from '../manifest/keys.js'
import type { Entry } from '../manifest/state.js'
import type { Ready } from '../tables/ports.js'
import type { TableFiles } from '../tables/table-files.js'

import type { KnownObjects } from './known-objects.js'
import type { Loader } from './loader.js'
import type { OpenFile } from './open-files.js'
import type { TableRegistry } from './table-registry.js'
import type { Originals } from './upload-queue.js'
import type { UploadSources } from './uploader.js'

/** Where Cassandra puts hardlinks of a table's SSTables, those of a secondary index in a directory of the same name. */
const COPIES = /^(.+)\/(?:snapshots\/[^/]+|backups)(\/\.[^/]+)?$/

/** Finds the content of files that is in the bucket, or on its way, under another name. */
export class KnownContents implements Originals, UploadSources {
  readonly #tables: TableRegistry
  readonly #loader: Loader
  readonly #keys: KeyLayout

  constructor(tables: TableRegistry, loader: Loader, keys: KeyLayout) {
    this.#tables = tables
    this.#loader = loader
    this.#keys = keys
  }

  comingOriginal(files: TableFiles): TableFiles | undefined {
    const original = this.#original(files)
    const status = original?.status
    return status === 'uploading' || status === 'dirty' || status === 'settling' ? original : undefined
  }

  /** The same inode, under the same name in the table's directory, on the same file system. */
  originalOf({ files }: Ready, file: OpenFile): { readonly path: string; readonly entry: Entry } | undefined {
    const original = this.#original(files)
    const entry = original?.durable.get(file.name)
    if (original === undefined || entry === undefined || !sameIdentity(entry, file.identity)) return undefined
    const { identity } = this.#tables.at(original.directory)?.directories.get(original.directory) ?? {}
    if (identity?.device !== file.stat.dev) return undefined
    return { path: `${original.directory}/${file.name}`, entry }
  }

  reservedFor({ files }: Ready, { name, path }: OpenFile): string | undefined {
    const newest = this.#tables.at(files.directory)?.newest
    const entry = files.isSSTable
      ? newest?.sets.get(files.path)?.components.get(files.component(name))
      : newest?.files.get(path)
    if (entry?.key === undefined) return entry?.crc64
    // Other content was there when this one went to a key of its own.
    return entry.key.startsWith(this.#keys.versions) ? '' : undefined
  }

  knownIn(directory: string): KnownObjects | undefined {
    const table = this.#tables.at(directory)
    return table === undefined ? undefined : this.#loader.objectsOf(table)
  }

  #original({ directory, name }: TableFiles): TableFiles | undefined {
    const [, above, index = ''] = COPIES.exec(directory) ?? []
    if (above === undefined) return undefined
    const table = `${above}${index}`
    return this.#tables.at(table)?.get(table, name)
  }
}
