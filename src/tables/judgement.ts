import { join } from 'node:path'

import { BASIC, STANDARD, judge, type Verdict } from '../cassandra/complete.js'
import { parseComponent } from '../cassandra/names.js'

import type { Logs } from './logs.js'
import type { Clock, Disk, Surroundings, TableSettings } from './ports.js'
import type { Look } from './seen-files.js'
import type { TableFiles } from './table-files.js'

/** A verdict, and what the look at the disk showed that it rests on. */
export interface Judged {
  readonly verdict: Verdict
  readonly look: Look
}

/** Judges whether files are complete, by the disk as it is now. It decides nothing else, and keeps no state. */
export class Judge {
  readonly #settings: TableSettings
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #logs: Logs

  constructor({ settings, disk, clock }: Surroundings, logs: Logs) {
    this.#settings = settings
    this.#disk = disk
    this.#clock = clock
    this.#logs = logs
  }

  /** Looks at the files and judges them. @param drains how many drained points the table has had */
  judge(files: TableFiles, drains: number): Judged {
    const now = this.#clock.now()
    const look = files.look(this.#disk, now)
    const verdict = files.isSSTable ? this.#sstable(files, now) : this.#plain(files, now)
    // Of what is there now the table makes another SSTable.
    if (look.isReplaced && files.isTaken) return { verdict, look }
    if (verdict.state === 'complete' || verdict.state === 'settling')
      files.noteWhole(look, drains, now, this.#clock.time())
    // One that is gone may have been whole until it went.
    else if (!files.isGone)
      files.noteIncomplete(look, drains, verdict.state === 'waiting' ? verdict.missing : [])
    return { verdict, look }
  }

  #plain(files: TableFiles, now: number): Verdict {
    if (files.size === 0) return { state: 'waiting', missing: [files.name] }
    const wait = this.#settings.settle - files.quiet(now)
    return files.isSettled || wait <= 0 ? { state: 'complete' } : { state: 'settling', wait }
  }

  #sstable(files: TableFiles, now: number): Verdict {
    if (files.size === 0) return { state: 'waiting', missing: [files.name] }
    const written = this.#logs.isWritten(files)
    const obsolete = this.#logs.isObsolete(files)
    // It was complete when it was uploaded, and nobody has touched it since: its TOC.txt need not be read.
    if (files.isUntouched && !written && !obsolete && files.remote.isAsStored) return { state: 'complete' }
    const components = files.components()
    const toc = this.#disk.toc(join(files.directory, `${files.name}-TOC.txt`))
    // A component's event may be still to come, or the component be one that is not backed up.
    for (const component of [...BASIC, ...STANDARD, ...(toc ?? [])]) {
      const name = `${files.name}-${component}`
      if (components.has(component)) continue
      const identity = this.#disk.file(join(files.directory, name))
      if (identity === undefined) continue
      components.add(component)
      if (this.#settings.isBackedUp(files.directory, name)) {
        files.noteSeen(name, identity, now)
      } else files.noteOther()
    }
    const version = parseComponent(files.main)?.version ?? ''
    return judge(
      { components, toc, version },
      { written, obsolete, settled: files.isSettled, quiet: files.quiet(now) },
      this.#settings.settle,
    )
  }
}
