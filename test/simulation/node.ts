import { Random } from '../manifest/random.js'

import { Cassandra, type Steps } from './cassandra.js'
import { FileSystem, type Directory, type FileNode } from './file-system.js'
import {
  compact,
  end,
  flush,
  restart,
  rewriteInPlace,
  rewriteStatistics,
  stream,
  type Family,
} from './operations.js'
import {
  copyIn,
  deleteFiles,
  importFiles,
  overwrite,
  refresh,
  restoreReplacing,
  spreadCopy,
  wipe,
} from './operator.js'
import { LeftLogs, assembled } from './left-logs.js'
import type { Scheduler } from './scheduler.js'
import type { Operation, Script } from './script.js'
import type { SSTable } from './sstable.js'
import { Store, hasLogs, type Format } from './store.js'
import { Truth } from './truth.js'

/** A table's directory is named after the table and 32 digits. */
const ID = '0a1b2c3d4e5f60718293a4b5c6d7'

/** How often a restless file changes, ms. */
const RESTLESS = 400

/** What Cassandra can do although SSTables that it has open were deleted by --delete-on-backup. */
const WITHOUT_FILES: ReadonlySet<Operation> = new Set([
  'flush',
  'compact',
  'stream',
  'import',
  'truncate',
  'drop',
])

/** What of a script the node needs to know. */
export type NodeScript = Pick<Script, 'format' | 'directories' | 'hasIndex' | 'speed' | 'mode'>

/** The node: its data directories, its Cassandra with one table, and whoever works on it by hand. */
export class Node {
  readonly fs: FileSystem
  readonly cassandra: Cassandra
  /** By unit. */
  readonly truths = new Map<string, Truth>()
  /** Files that belong to no SSTable, by path, and since when they have been as they are, ms. */
  readonly others = new Map<string, { readonly node: FileNode; readonly since: number }>()
  family: Family
  /** Whether a restore point names what lies under a path. */
  isNamed: (path: string) => boolean = () => true
  readonly #time: Scheduler
  readonly #script: NodeScript
  readonly #format: Format
  readonly #aside: Directory
  #tables = 0
  #snapshots = 0
  #device = 1
  #starts = 0

  constructor(time: Scheduler, script: NodeScript) {
    this.#time = time
    this.#script = script
    this.fs = new FileSystem(time)
    this.cassandra = new Cassandra(this.fs, time)
    const { format } = script
    this.#format = {
      version: format === 'old' ? 'jb' : format === 'trie' ? 'da' : 'nb',
      isTrie: format === 'trie',
      hasUniqueIds: format === 'uuid',
      hasSai: format === 'sai',
    }
    for (const disk of this.#disks()) this.fs.makeDirectory(disk, 'ks')
    this.#aside = this.fs.makeDirectory(this.fs.directory('/d1')!, '.tablesnap-replaced-20260101T000000000Z')
    this.family = this.#createTable()
  }

  get truth(): Truth {
    return this.family.base.truth
  }

  /** Whether a rule holds for the table's SSTables. */
  get hasLogs(): boolean {
    return hasLogs(this.#format)
  }

  /** SSTables that are there before the history begins. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) this.start(flush(this.cassandra, this.family, new Random(i)))
    this.#time.advance(60_000)
  }

  /** Begins an operation. */
  do(what: Operation, salt: number): void {
    const random = new Random(salt)
    const { cassandra, family } = this
    const { base, index } = family
    if (this.#script.mode === 'delete' && !WITHOUT_FILES.has(what)) return
    if (what === 'crash' || what === 'wipe') {
      this.#crash(random, what === 'wipe')
      return
    }
    if (what === 'removeDirectory' || what === 'replaceDirectory') {
      this.#loseDirectory(what === 'replaceDirectory', random)
      return
    }
    if (!cassandra.isUp) {
      if (what === 'copy' || what === 'cutCopy')
        this.start(copyIn(cassandra, family, random, what === 'cutCopy'), false)
      if (what === 'spreadCopy') this.start(spreadCopy(cassandra, family, random), false)
      return
    }
    switch (what) {
      case 'flush': {
        this.start(flush(cassandra, family, random))
        return
      }
      case 'compact': {
        this.start(compact(cassandra, family, random))
        return
      }
      case 'stream': {
        this.start(stream(cassandra, family, random))
        return
      }
      case 'import': {
        this.start(importFiles(cassandra, family, random))
        return
      }
      case 'repair': {
        const sstable = random.pick(base.idle)
        if (sstable !== undefined) this.start(rewriteStatistics(cassandra, sstable, random))
        return
      }
      case 'rewrite': {
        const sstable = random.pick((index ?? base).idle)
        const component = random.pick(['Summary.db', 'TOC.txt'])!
        if (sstable !== undefined) this.start(rewriteInPlace(cassandra, sstable, component, random))
        return
      }
      case 'truncate':
        if (this.hasLogs) this.start(end(cassandra, family, random, 0))
        return
      case 'drop':
        if (this.hasLogs) this.#drop(random)
        return
      case 'copy':
      case 'cutCopy': {
        this.start(copyIn(cassandra, family, random, what === 'cutCopy'), false)
        return
      }
      case 'spreadCopy': {
        this.start(spreadCopy(cassandra, family, random), false)
        return
      }
      case 'overwrite': {
        this.start(overwrite(cassandra, family, random, this.isNamed), false)
        return
      }
      case 'otherFile': {
        this.#otherFile(random)
        return
      }
      case 'restless': {
        const sstable = random.pick(base.idle)
        if (sstable !== undefined) this.#disturb(sstable)
        return
      }
      case 'delete':
      case 'deleteAndReturn': {
        this.start(deleteFiles(cassandra, family, random, what === 'deleteAndReturn'), false)
        return
      }
      case 'refresh': {
        this.start(refresh(cassandra, family, random), false)
        return
      }
      case 'restore': {
        this.start(restoreReplacing(cassandra, family, random, this.#aside), false)
        return
      }
      case 'snapshot': {
        this.#snapshot(random)
        return
      }
    }
  }

  /** Begins an operation of its own steps. */
  start(steps: Steps, isCassandras = true): void {
    // A copy that paused longer than the settle time would look complete before it is.
    this.cassandra.start(
      steps,
      isCassandras,
      isCassandras ? this.#script.speed : Math.min(1, this.#script.speed),
    )
  }

  *#disks(): Generator<Directory> {
    for (let disk = 1; disk <= this.#script.directories; disk++)
      yield this.fs.makeDirectory(this.fs.root, `d${disk}`, disk)
  }

  #createTable(): Family {
    const name = `t-${ID}${String(++this.#tables).padStart(4, '0')}`
    const unit = `ks/${name}`
    const truth = this.truths.get(unit) ?? new Truth()
    this.truths.set(unit, truth)
    const directories = [...this.#disks()].map(disk =>
      this.fs.makeDirectory(this.fs.makeDirectory(disk, 'ks'), name),
    )
    return this.#stores(unit, directories, truth)
  }

  #stores(unit: string, directories: readonly Directory[], truth: Truth): Family {
    const base = new Store(unit, '', directories, this.#format, truth)
    const below = directories.map(directory =>
      this.#script.hasIndex ? this.fs.makeDirectory(directory, '.idx') : directory,
    )
    const index = this.#script.hasIndex ? new Store(unit, '.idx', below, this.#format, truth) : undefined
    this.cassandra.stores.length = 0
    this.cassandra.stores.push(base, ...(index === undefined ? [] : [index]))
    return { base, index }
  }

  #drop(random: Random): void {
    const dropped = this.family
    // Of what is deleted from the disk nobody can tell whether its directory's removal meant it.
    const removes = random.chance(0.3) && this.#script.mode !== 'delete'
    const { cassandra } = this
    const lose = (directory: Directory) => this.#lose(directory, false, dropped.base.truth)
    this.start(
      (function* (): Steps {
        yield* end(cassandra, dropped, random, 550)
        dropped.base.isDropped = true
        if (dropped.index !== undefined) dropped.index.isDropped = true
        if (!removes) return
        yield 1000
        for (const directory of dropped.base.directories) if (!directory.isDeleted) lose(directory)
      })(),
    )
    // The table is created again while its old files are still being deleted.
    this.family = this.#createTable()
    this.cassandra.stores.push(dropped.base, ...(dropped.index === undefined ? [] : [dropped.index]))
  }

  /** Somebody puts a file into the table's directory. */
  #otherFile(random: Random): void {
    const directory = random.pick(this.family.base.directories)!
    const name = `notes-${random.below(3)}.txt`
    const node = directory.files.get(name) ?? this.fs.create(directory, name)
    this.fs.write(node, 10 + random.below(10))
    this.fs.close(directory, name)
    this.others.set(`${directory.path}/${name}`, { node, since: this.#time.now })
  }

  /** Something rewrites an SSTable's Statistics.db again and again, until the end. */
  #disturb(sstable: SSTable): void {
    const name = sstable.file('Statistics.db')
    this.#time.after(RESTLESS, () => {
      if (sstable.node('Statistics.db') === undefined || sstable.directory.isDeleted) return
      if (!sstable.isBusy) {
        const node = this.fs.create(sstable.directory, `${name}.tmp`)
        this.cassandra.whole(sstable, 'Statistics.db', node)
        this.fs.close(sstable.directory, `${name}.tmp`)
        this.fs.rename(sstable.directory, `${name}.tmp`, sstable.directory, name)
      }
      this.#disturb(sstable)
    })
  }

  #snapshot(random: Random): void {
    const { base } = this.family
    const { cassandra, fs } = this
    const tag = `s${++this.#snapshots}`
    this.start(
      (function* (): Steps {
        for (const sstable of base.idle) {
          const snapshots = fs.makeDirectory(sstable.directory, 'snapshots')
          const directory = fs.makeDirectory(snapshots, tag)
          for (const component of sstable.components) {
            const node = sstable.node(component)
            if (node === undefined || !cassandra.isUp) continue
            fs.link(node, directory, sstable.file(component))
            yield random.next() * 0.3
          }
        }
      })(),
    )
  }

  /** Cassandra is killed, and starts again. */
  #crash(random: Random, wipes: boolean): void {
    const { cassandra } = this
    if (!cassandra.isUp) return
    cassandra.kill()
    const pause = 50 + random.next() * 3000
    const number = this.#restartIn(pause, random)
    this.#time.after(pause / 2, () => {
      // On a machine that replaced this one Cassandra is up: no Cassandra commits an SSTable whose Data.db was deleted
      // before it was written, as it opens the SSTable by its path first.
      if (wipes && number === this.#starts) for (const store of cassandra.stores) wipe(cassandra, store)
    })
  }

  /**
   * Cassandra is started, unless somebody has killed or started it meanwhile: there is one process at a time.
   * @returns the number of the start
   */
  #restartIn(pause: number, random: Random): number {
    const number = ++this.#starts
    this.#time.after(pause, () => {
      if (number !== this.#starts) return
      this.#remake()
      this.start(restart(this.cassandra, random))
    })
    return number
  }

  /** A table's directory is deleted under a Cassandra that was killed, which then makes it anew; or another file system has its path. */
  #loseDirectory(isReplaced: boolean, random: Random): void {
    const { cassandra } = this
    if (!cassandra.isUp) return
    cassandra.kill()
    const { base } = this.family
    const lost = random.pick(base.directories)!
    this.#lose(lost, isReplaced)
    this.#restartIn(100 + random.next() * 3000, random)
  }

  #lose(lost: Directory, isReplaced: boolean, truth = this.truth): void {
    const gone = [...truth.live].filter(({ path }) => path.startsWith(`${lost.path}/`))
    const stores = this.cassandra.stores.filter(store => store.truth === truth)
    const unread = stores.flatMap(({ directories }) => directories.flatMap(assembled))
    this.fs.removeDirectory(lost, isReplaced)
    const logs = stores.map(store => new LeftLogs(store))
    truth.commit(
      this.#time.now,
      logs.flatMap(log => log.freed()),
      [...gone, ...logs.flatMap(log => log.rolledBack())],
      'deleted',
    )
    // Nobody misses what is left in the directory of a table that was dropped.
    if (truth !== this.truth) truth.commit(this.#time.now, [], [], 'end')
    truth.lose(lost.path, this.#time.now, unread)
    if (isReplaced) this.#device++
  }

  /** Directories of the table that are missing are made. */
  #remake(): void {
    const { base, index } = this.family
    base.directories = base.directories.map(({ name, above }) =>
      this.fs.makeDirectory(above!, name, above!.device + 10 * this.#device),
    )
    if (index === undefined) return
    index.directories = base.directories.map(directory => this.fs.makeDirectory(directory, '.idx'))
  }

  /** Another machine has the node's name: the same paths, on new disks. Nobody watches while it happens. */
  replaceMachine(): void {
    this.cassandra.kill()
    for (const directory of this.family.base.directories) this.#lose(directory, true)
    this.#remake()
    this.#restartIn(0, new Random(1))
  }

  /** Cassandra comes up if it is down. */
  heal(): void {
    if (!this.cassandra.isUp && !this.cassandra.isBusy) this.#restartIn(0, new Random(1))
  }
}
