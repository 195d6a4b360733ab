import type { FileIdentity } from '../../src/cassandra/file-identity.js'
import type { Txn } from '../../src/cassandra/transaction-log.js'

import type { EventKind, EventQueue, Watch } from './event-queue.js'
import type { Scheduler } from './scheduler.js'

/** An inode. It lives as long as somebody has it: a name, or a descriptor. */
export class FileNode {
  size = 0
  /** Which content it has: another number is another content. */
  content = 0
  /** Components that it lists, when it is a TOC.txt. */
  toc: readonly string[] | undefined
  /** What it says, when it is a transaction log. */
  txn: Txn | undefined
  #mtime: number
  #identity: FileIdentity | undefined

  constructor(
    readonly inode: number,
    mtime: number,
  ) {
    this.#mtime = mtime
  }

  /** ms */
  get mtime(): number {
    return this.#mtime
  }

  get identity(): FileIdentity {
    this.#identity ??= {
      size: this.size,
      mtime: BigInt(Math.round(this.#mtime * 1000)) * 1000n,
      inode: BigInt(this.inode),
    }
    return this.#identity
  }

  write(size: number, content: number, now: number): void {
    this.size = size
    this.content = content
    // Two writes within a microsecond leave another mtime than one.
    this.#mtime = Math.max(now, this.#mtime + 0.001)
    this.#identity = undefined
  }

  /** As `cp -p` does: the content of another file, and its times. */
  take({ size, content, toc, mtime }: FileNode): void {
    this.size = size
    this.content = content
    this.toc = toc
    this.#mtime = mtime
    this.#identity = undefined
  }
}

export class Directory {
  readonly files = new Map<string, FileNode>()
  readonly directories = new Map<string, Directory>()
  readonly watches: Watch[] = []
  isDeleted = false
  isReadable = true

  constructor(
    readonly path: string,
    readonly name: string,
    readonly above: Directory | undefined,
    readonly inode: number,
    readonly device: number,
  ) {}
}

/** A node's file system, in memory. Each call is one change at one instant, and tells the watches. */
export class FileSystem {
  readonly root: Directory
  readonly #time: Scheduler
  readonly #directories = new Map<string, Directory>()
  #inode = 100
  #content = 0

  constructor(time: Scheduler) {
    this.#time = time
    this.root = new Directory('', '', undefined, 2, 1)
  }

  newContent(): number {
    return ++this.#content
  }

  directory(path: string): Directory | undefined {
    return this.#directories.get(path)
  }

  all(): Iterable<Directory> {
    return this.#directories.values()
  }

  /** Makes a directory, unless it is there. @param device that of the directory above unless given */
  makeDirectory(above: Directory, name: string, device = above.device): Directory {
    const known = above.directories.get(name)
    if (known !== undefined) return known
    const directory = new Directory(`${above.path}/${name}`, name, above, this.#inode++, device)
    above.directories.set(name, directory)
    this.#directories.set(directory.path, directory)
    tell(above, 'directory-created', name)
    return directory
  }

  /** `rm -r`, in one instant. @param isSilent as when a file system is unmounted: nobody is told of the files */
  removeDirectory(directory: Directory, isSilent = false): void {
    for (const name of [...directory.files.keys()]) {
      if (isSilent) directory.files.delete(name)
      else this.unlink(directory, name)
    }
    for (const below of [...directory.directories.values()]) this.removeDirectory(below, isSilent)
    directory.isDeleted = true
    this.#directories.delete(directory.path)
    directory.above?.directories.delete(directory.name)
    for (const watch of directory.watches) {
      watch.isEnded = true
      watch.queue.push({ kind: 'self-gone', watch, name: '' })
    }
    directory.watches.length = 0
    if (directory.above !== undefined) tell(directory.above, 'directory-gone', directory.name)
  }

  /** Watches a directory, once for each queue. */
  watch(directory: Directory, queue: EventQueue): Watch {
    const known = directory.watches.find(watch => watch.queue === queue)
    if (known !== undefined) return known
    const watch = { queue, path: directory.path, isEnded: false }
    directory.watches.push(watch)
    return watch
  }

  unwatch(queue: EventQueue): void {
    for (const directory of this.#directories.values()) {
      const index = directory.watches.findIndex(watch => watch.queue === queue)
      if (index >= 0) directory.watches.splice(index, 1)
    }
  }

  create(directory: Directory, name: string): FileNode {
    const node = new FileNode(this.#inode++, this.#time.now)
    if (directory.isDeleted) return node
    directory.files.set(name, node)
    tell(directory, 'created', name)
    return node
  }

  write(node: FileNode, size: number, content = this.newContent()): void {
    node.write(size, content, this.#time.now)
  }

  /** The last writer closes it. */
  close(directory: Directory, name: string): void {
    tell(directory, 'closed', name)
  }

  link(node: FileNode, directory: Directory, name: string): void {
    if (directory.isDeleted) return
    directory.files.set(name, node)
    tell(directory, 'created', name)
  }

  rename(from: Directory, name: string, to: Directory, as: string): void {
    const node = from.files.get(name)
    if (node === undefined || to.isDeleted) return
    from.files.delete(name)
    to.files.set(as, node)
    tell(from, 'gone', name)
    tell(to, 'moved-in', as)
  }

  /** A file from elsewhere, which nobody watches, is moved in. */
  moveIn(node: FileNode, directory: Directory, name: string): void {
    if (directory.isDeleted) return
    directory.files.set(name, node)
    tell(directory, 'moved-in', name)
  }

  /** A file that lies where nobody watches. */
  elsewhere(size: number): FileNode {
    const node = new FileNode(this.#inode++, this.#time.now)
    node.write(size, this.newContent(), this.#time.now)
    return node
  }

  unlink(directory: Directory, name: string): void {
    if (directory.files.delete(name)) tell(directory, 'gone', name)
  }
}

function tell(directory: Directory, kind: EventKind, name: string): void {
  for (const watch of directory.watches) watch.queue.push({ kind, watch, name })
}
