import { basename, dirname } from 'node:path'

import { Judge } from './judgement.js'
import { Logs } from './logs.js'
import { Placement } from './placement.js'
import type { Surroundings } from './ports.js'
import { RestorePoints } from './restore-points.js'
import type { TableFacts } from './table-facts.js'
import type { TableFiles } from './table-files.js'
import { WatchedDirectories } from './watched-directories.js'
import { Worklist } from './worklist.js'

/** All that is known of a table. Each part owns what it knows; nothing here gives an order. */
export class TableModel {
  readonly directories = new WatchedDirectories()
  readonly logs = new Logs(this.directories)
  readonly worklist: Worklist
  readonly placement: Placement
  readonly points: RestorePoints
  readonly #surroundings: Surroundings

  constructor(name: string, surroundings: Surroundings) {
    const { settings, clock } = surroundings
    const judge = new Judge(surroundings, this.logs)
    this.worklist = new Worklist(settings, clock, judge)
    this.placement = new Placement(surroundings, this.logs, judge)
    this.points = new RestorePoints(name, surroundings)
    this.#surroundings = surroundings
  }

  /** The facts that the placement decides by. */
  facts(name: string, isTable: boolean): TableFacts {
    const { directories, points } = this
    return {
      name,
      isTable,
      directories: directories.byPath,
      hasIndexes: directories.hasIndexes,
      hasEvents: directories.haveEvents,
      files: () => directories.files(),
      get newest() {
        return points.before(directories.byPath)
      },
      takeKept: () => this.takeKept(),
    }
  }

  /** The SSTables that --delete-on-backup deleted from the disk. */
  takeKept(): TableFiles[] {
    const { directories, points } = this
    const has = (path: string) => directories.find(dirname(path), basename(path)) !== undefined
    return points.kept.take(directories.byPath, has)
  }

  /** A file that was there at the start is not backed up, unless a daemon that was stopped has missed it. */
  judgeOld(files: TableFiles): void {
    const { points, worklist } = this
    const { disk, clock } = this.#surroundings
    const stored = points.stored(files.path)
    if (stored !== undefined) {
      files.look(disk, clock.now())
      files.remote.seed(stored, disk)
      if (files.stored !== undefined && !files.remote.isOutdated && !files.isGone) files.markDone()
      else worklist.mark(files)
    } else if (points.newest?.unprotected.includes(files.path) === false) worklist.mark(files)
  }
}
