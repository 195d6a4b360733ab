import type { TablesnapError } from '../errors.js'
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

  constructor(uploader: Uploader, outcomes: Outcomes, recovery: Recovery) {
    this.#uploader = uploader
    this.#outcomes = outcomes
    this.#recovery = recovery
  }

  pin(ready: Ready): OpenFiles {
    return new OpenFiles(ready)
  }

  async upload(open: OpenFiles, ready: Ready, signal: AbortSignal): Promise<UploadResult> {
    const outcomes = await this.#uploader.upload(open, ready, signal)
    if (signal.aborted) return { durable: new Map(), names: [], next: 'gone' }
    for (const { entry, error } of outcomes) {
      if (entry !== undefined) this.#recovery.succeeded()
      else if (error?.retry === true) this.#recovery.failed()
    }
    return this.#outcomes.uploaded(ready, open, outcomes)
  }

  gone({ files }: Ready): void {
    this.#outcomes.gone(files)
  }

  unopened({ files: { path } }: Ready, error: TablesnapError): void {
    this.#outcomes.problem(path, `${path} cannot be uploaded now: ${error.message}`)
  }
}
