import type { ScanReason } from './listener.js'

/** A scan that could not be done yet. */
export interface PostponedScan {
  readonly path: string
  readonly reason: ScanReason
  readonly deep: boolean
}

/** When the scans are tried again, ms. */
const AGAIN = 1_000

/** Scans of directories for which the process had no descriptor left. */
export class PostponedScans {
  readonly #scans = new Map<string, PostponedScan>()
  readonly #scan: (postponed: PostponedScan) => void
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  /** @param scan tries one again; it may be postponed once more */
  constructor(scan: (postponed: PostponedScan) => void) {
    this.#scan = scan
  }

  get size(): number {
    return this.#scans.size
  }

  add(scan: PostponedScan): void {
    if (this.#isClosed) return
    if (scan.deep || !this.#scans.has(scan.path)) this.#scans.set(scan.path, scan)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const scans = [...this.#scans.values()]
      this.#scans.clear()
      for (const postponed of scans) this.#scan(postponed)
    }, AGAIN)
  }

  /** A directory was scanned. */
  delete(path: string): void {
    this.#scans.delete(path)
  }

  /** A directory and all below it are watched no longer. */
  deleteBelow(path: string): void {
    for (const postponed of [...this.#scans.keys()])
      if (postponed === path || postponed.startsWith(`${path}/`)) this.#scans.delete(postponed)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#scans.clear()
  }
}
