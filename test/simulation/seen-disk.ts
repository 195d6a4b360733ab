import type { FileIdentity } from '../../src/cassandra/file-identity.js'
import type { DirectoryIdentity } from '../../src/manifest/state.js'
import type { Disk } from '../../src/tables/ports.js'

import type { FileNode, FileSystem } from './file-system.js'

/** What a process sees of the disk: each answer is of an instant that may be later than the question. */
export class SeenDisk implements Disk {
  readonly #fs: FileSystem
  readonly #pass: () => void
  readonly #aside: string

  /** @param pass lets the world go on @param aside the directory into which a restore moves SSTables */
  constructor(fs: FileSystem, pass: () => void, aside: string) {
    this.#fs = fs
    this.#pass = pass
    this.#aside = aside
  }

  file(path: string): FileIdentity | undefined {
    this.#pass()
    return this.#node(path)?.identity
  }

  directory(path: string): DirectoryIdentity | undefined {
    this.#pass()
    const directory = this.#fs.directory(path)
    return directory && { device: BigInt(directory.device), inode: BigInt(directory.inode) }
  }

  toc(path: string): readonly string[] | undefined {
    this.#pass()
    return this.#node(path)?.toc
  }

  isMovedAside(_directory: string, name: string, inode: bigint): boolean {
    this.#pass()
    const node = this.#node(`${this.#aside}/${name}`)
    return node !== undefined && BigInt(node.inode) === inode
  }

  #node(path: string): FileNode | undefined {
    const slash = path.lastIndexOf('/')
    return this.#fs.directory(path.slice(0, slash))?.files.get(path.slice(slash + 1))
  }
}
