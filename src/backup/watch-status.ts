import type { Logger } from '../report/logger.js'
import type { Watcher } from '../watch/watcher.js'
import { counted } from '../report/format.js'

/** Tells the operator when the kernel has no inotify watch left for directories. */
export class WatchStatus {
  readonly #log: Logger
  #said = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /** Says how many directories have no watch, when it is more than it was. @returns them */
  report(watcher: Watcher | undefined): readonly string[] {
    const unwatched = watcher?.unwatched ?? []
    if (watcher !== undefined && unwatched.length > this.#said) {
      const all = watcher.size + unwatched.length
      this.#log.warn(
        `${unwatched.length} of ${counted(all, 'directory', 'directories')} ${unwatched.length === 1 ? 'has' : 'have'} no inotify watch: the user's watches are used up. tablesnap scans ${unwatched.length === 1 ? 'it' : 'them'} every minute; raise fs.inotify.max_user_watches and restart`,
        { unwatched: unwatched.length, directories: all },
      )
    }
    this.#said = unwatched.length
    return unwatched
  }
}
