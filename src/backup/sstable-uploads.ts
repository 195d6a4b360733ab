import type { TablesnapError } from '../errors.js'
import type { Activity } from '../status/activity.js'
import type { Ready, UploadResult } from '../tables/ports.js'

import { OpenFiles } from './open-files.js'
import type { Outcomes } from './outcomes.js'
import type { Recovery } from './recovery.js'
import type { Uploads } from './ports.js'
import type { Uploader } from './uploader.js'

/** Uploads SSTables from this machine's disk, and has the outcomes counted. */
export class SSTableUploads implements Uploads<OpenFiles> {
  readonly #uploader: Uploader
  readonly #outcomes: Outcomes
  readonly #recovery: Recovery
  readonly #activity: Activity

  constructor(uploader: Uploader, outcomes: Outcomes, recovery: Recovery, activity: Activity) {
    this.#uploader = uploader
    this.#outcomes = outcomes
    this.#recovery = recovery
    this.#activity = activity
  }

  pin(ready: Ready): OpenFiles {
    return new OpenFiles(ready)
  }

  async upload(open: OpenFiles, ready: Ready, signal: AbortSignal): Promise<UploadResult> {
    const outcomes = await this.#uploader.upload(open, ready, signal)
    if (signal.aborted) return { durable: new Map(), names: [], next: 'gone' }
    for (const { entry, error, outcome } of outcomes) {
      if (outcome === 'version') this.#activity.version()
      else if (error !== undefined && error.code !== 'FILE_CHANGED') this.#activity.failed(error.code)
      if (entry !== undefined) this.#recovery.succeeded()
      else if (error?.retry === true) this.#recovery.failed()
    }
    const result = this.#outcomes.uploaded(ready, open, outcomes)
    if (result.next === 'done') this.#activity.finished()
    const { isUntouched, whole } = ready.files
    // When an SSTable that was there at the start became complete is not known.
    if (result.next === 'done' && !isUntouched && whole.until !== undefined)
      this.#activity.durable(performance.now() - whole.at)
    return result
  }

  ended(ready: Ready, isGone: boolean): void {
    if (isGone) this.#outcomes.gone(ready.files)
    else this.#outcomes.ended(ready)
  }

  unopened({ files: { path } }: Ready, error: TablesnapError): void {
    this.#outcomes.problem(path, `${path} cannot be uploaded now: ${error.message}`)
  }
}
