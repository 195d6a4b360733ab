import { statSync } from 'node:fs'
import { join } from 'node:path'

import type { Filter } from '../plan/filter.js'
import { BASIC, STANDARD, judge, parseToc, type Verdict } from '../sstable/complete.js'
import { isTxnLog, parseComponent } from '../sstable/names.js'
import { SparseMap } from '../state/sparse.js'
import type { DirectoryIdentity } from '../state/state.js'

import { isFile } from './found.js'
import { Group } from './group.js'
import { readSmall } from './small-file.js'
import type { Unit } from './unit.js'

/** What is known of one watched directory: its sets and its other files. */
export class Directory {
  readonly groups = new SparseMap<string, Group>()
  /** It is watched no longer, or another one has its path now. */
  lost = false
  readonly #filter: Pick<Filter, 'file'>

  /** @param filter says which files of it are backed up */
  constructor(
    readonly path: string,
    readonly unit: Unit,
    /** The secondary index that it holds, or ''. */
    readonly index: string,
    readonly identity: DirectoryIdentity | undefined,
    filter: Pick<Filter, 'file'>,
  ) {
    this.#filter = filter
  }

  /** The group that a file belongs to, made when it is new. */
  groupOf(name: string): Group {
    const component = parseComponent(name)
    const key = component?.set ?? name
    let group = this.groups.get(key)
    if (group === undefined) {
      group = new Group(this, key, component !== undefined)
      this.groups.set(key, group)
    }
    return group
  }

  /** The group that a file belongs to, if it is known. */
  known(name: string): Group | undefined {
    return this.groups.get(parseComponent(name)?.set ?? name)
  }

  /** Judges a group by its files as they are now. @param settle ms @param now ms of the monotonic clock */
  judge(group: Group, settle: number, now: number): Verdict {
    const quiet = group.quiet(now)
    if (group.names.size === 0) return { state: 'waiting', missing: [group.name] }
    if (!group.sstable) {
      return group.settled || quiet >= settle
        ? { state: 'complete' }
        : { state: 'settling', wait: settle - quiet }
    }
    const { transactions } = this.unit
    const written = transactions.isWritten(this.index, group.name)
    const obsolete = transactions.isObsolete(this.index, group.name)
    // It was complete when it was uploaded, and nobody has touched it since: its TOC.txt need not be read.
    if (group.untouched && !written && !obsolete && group.isAsStored()) return { state: 'complete' }
    const components = new Set([...group.names].map(name => group.component(name)))
    const toc = this.#toc(group)
    // A component's event may be still to come, or the component be one that is not backed up.
    for (const component of [...BASIC, ...STANDARD, ...(toc ?? [])]) {
      const name = `${group.name}-${component}`
      if (components.has(component) || !isFile(join(this.path, name))) continue
      components.add(component)
      if (this.#filter.file(this.path, name)) group.names.add(name)
    }
    const version = parseComponent(group.main)?.version ?? ''
    return judge({ components, toc, version }, { written, obsolete, settled: group.settled, quiet }, settle)
  }

  #toc(group: Group): string[] | undefined {
    try {
      return parseToc(readSmall(join(this.path, `${group.name}-TOC.txt`)) ?? '')
    } catch {
      return undefined
    }
  }
}

/** Splits a directory's file names into transaction logs and the rest. */
export function splitTxns(names: readonly string[]): { txns: string[]; others: string[] } {
  const txns: string[] = []
  const others: string[] = []
  for (const name of names) (isTxnLog(name) ? txns : others).push(name)
  return { txns, others }
}

/** What tells a directory from another under the same path; undefined when there is none. */
export function identityOf(path: string): DirectoryIdentity | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : { device: stat.dev, inode: stat.ino }
}
