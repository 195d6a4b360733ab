import { sameIdentity } from '../../../src/cassandra/file-identity.js'
import { BASIC, STANDARD, judge, type Verdict } from '../../../src/cassandra/complete.js'
import { parseComponent } from '../../../src/cassandra/names.js'
import type { Entry, StateSet } from '../../../src/manifest/state.js'
import type { Disk } from '../../../src/tables/ports.js'

/** A watched directory of the old core. */
export interface OldDirectory {
  readonly path: string
  readonly index: string
  readonly groups: Map<string, OldFiles>
}

export type OldStatus =
  'old' | 'dirty' | 'written' | 'obsolete' | 'waiting' | 'settling' | 'busy' | 'failed' | 'done'

/** The files of one SSTable as the program knew them before its core was one machine. */
export class OldFiles {
  state: OldStatus = 'dirty'
  readonly path: string
  readonly directory: string
  readonly isSSTable: boolean
  readonly names = new Set<string>()
  readonly durable = new Map<string, Entry>()
  stored: StateSet | undefined
  isSettled = false
  isChanged = false
  isUntouched = false
  isCommitted = false
  isUrgent = false
  failures = 0
  hindered: number | undefined
  inode: bigint | undefined
  /** When it is to be judged again, ms. */
  due: number | undefined
  #seen = ''
  #since = 0

  constructor(
    readonly home: OldDirectory,
    readonly name: string,
  ) {
    this.path = `${home.path}/${name}`
    this.directory = home.path
    this.isSSTable = parseComponent(`${name}-Data.db`) !== undefined
  }

  get fresh(): boolean {
    return this.isCommitted || this.stored?.components.get('Data.db')?.key !== undefined
  }

  get main(): string {
    return this.isSSTable ? `${this.name}-Data.db` : this.name
  }

  get isGone(): boolean {
    return this.names.size === 0 || (this.isSSTable && this.inode !== undefined && !this.names.has(this.main))
  }

  component(name: string): string {
    return this.isSSTable ? name.slice(this.name.length + 1) : name
  }

  seed(stored: StateSet | undefined, disk: Disk): void {
    if (stored === undefined || this.stored !== undefined) return
    for (const [component, entry] of stored.components) {
      const name = this.isSSTable ? `${this.name}-${component}` : component
      const identity = disk.file(`${this.directory}/${name}`)
      if (identity === undefined || !sameIdentity(identity, entry)) continue
      this.durable.set(name, entry)
      if (name === this.main) this.stored = stored
    }
  }

  adopt(names: Iterable<string>, corrupt: boolean): void {
    const components = new Map<string, Entry>()
    for (const name of names) {
      const entry = this.durable.get(name)
      if (entry !== undefined) components.set(this.component(name), entry)
    }
    this.stored = { components, corrupt, kept: false }
  }

  quiet(disk: Disk, now: number): number {
    let seen = ''
    for (const name of [...this.names]) {
      const identity = disk.file(`${this.directory}/${name}`)
      if (identity === undefined) {
        this.names.delete(name)
        continue
      }
      seen += `${name}/${identity.size}/${identity.mtime}/${identity.inode}\n`
      if (name === this.main) this.inode = identity.inode
    }
    if (seen !== this.#seen) {
      this.#seen = seen
      this.#since = now
    }
    return now - this.#since
  }

  isOutdated(disk: Disk): boolean {
    for (const name of this.names) {
      const identity = disk.file(`${this.directory}/${name}`)
      if (identity !== undefined && !sameIdentity(this.durable.get(name), identity)) return true
    }
    return false
  }

  judge(
    disk: Disk,
    now: number,
    { written, obsolete, settle }: { written: boolean; obsolete: boolean; settle: number },
  ): Verdict {
    const quiet = this.quiet(disk, now)
    if (this.names.size === 0) return { state: 'waiting', missing: [this.name] }
    if (!this.isSSTable)
      return this.isSettled || quiet >= settle
        ? { state: 'complete' }
        : { state: 'settling', wait: settle - quiet }
    const components = new Set([...this.names].map(name => this.component(name)))
    const toc = disk.toc(`${this.path}-TOC.txt`)
    for (const component of [...BASIC, ...STANDARD, ...(toc ?? [])]) {
      const name = `${this.name}-${component}`
      if (components.has(component) || disk.file(`${this.directory}/${name}`) === undefined) continue
      components.add(component)
      this.names.add(name)
    }
    const version = parseComponent(this.main)?.version ?? ''
    return judge({ components, toc, version }, { written, obsolete, settled: this.isSettled, quiet }, settle)
  }
}
