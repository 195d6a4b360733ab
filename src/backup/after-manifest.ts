import type { Activity } from '../status/activity.js'
import { kindOf } from '../status/table-status.js'
import type { Table } from '../tables/table.js'

import type { UploadedFiles } from './delete.js'
import type { Loader } from './loader.js'
import type { Published } from './manifest-publisher.js'
import type { ManifestObserver } from './manifest-writer.js'
import type { Recovery } from './recovery.js'

/** Does what follows once a restore point is in the bucket, or could not be written. */
export class AfterManifest implements ManifestObserver {
  readonly #uploaded: UploadedFiles
  readonly #loader: Loader
  readonly #recovery: Recovery
  readonly #onFenced: (error: unknown) => void
  readonly #activity: Activity

  /** @param onFenced another writer took the name over */
  constructor(
    uploaded: UploadedFiles,
    loader: Loader,
    recovery: Recovery,
    onFenced: (error: unknown) => void,
    activity: Activity,
  ) {
    this.#uploaded = uploaded
    this.#loader = loader
    this.#recovery = recovery
    this.#onFenced = onFenced
    this.#activity = activity
  }

  published(table: Table, { draft: { leaving }, state }: Published): void {
    this.#activity.published(kindOf(state))
    this.#recovery.succeeded()
    this.#loader.forget(table)
    for (const files of leaving) if (this.#uploaded.delete(files)) table.deleted(files)
  }

  failed(): void {
    this.#recovery.failed()
  }

  fenced(error: unknown): void {
    this.#onFenced(error)
  }
}
