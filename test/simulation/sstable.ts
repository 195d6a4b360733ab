import type { Directory, FileNode } from './file-system.js'
import type { Store } from './store.js'
import type { TrueSSTable } from './truth.js'

/** An SSTable of the simulated Cassandra, from its first file on. */
export class SSTable implements TrueSSTable {
  readonly path: string
  readonly contents = new Map<string, Set<number>>()
  data = 0
  /** A job works on it, so that no other one may take it. */
  isBusy = false
  /** When it was renamed to its name, ms of virtual time, and from which path. */
  renamedAt = -Infinity
  formerPath?: string

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly name: string,
    readonly components: readonly string[],
  ) {
    this.path = `${directory.path}/${name}`
  }

  /** The name of one of its files. */
  file(component: string): string {
    return `${this.name}-${component}`
  }

  node(component: string): FileNode | undefined {
    return this.directory.files.get(this.file(component))
  }

  /** A component has the content that Cassandra would read. */
  note(component: string, content: number): void {
    const contents = this.contents.get(component)
    if (contents === undefined) this.contents.set(component, new Set([content]))
    else contents.add(content)
    if (component === 'Data.db') this.data = content
  }
}
