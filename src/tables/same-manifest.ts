import type { Entry, State, StateSet } from '../manifest/state.js'

/** Whether a manifest says nothing that the one before did not. Their epochs, times and upstream listings do not count. */
export function saysTheSame(a: State, b: State): boolean {
  return (
    sameMap(a.sets, b.sets, sameSet) &&
    sameMap(a.files, b.files, sameEntry) &&
    sameMap(a.directories, b.directories, (x, y) => x.inode === y.inode && x.device === y.device) &&
    sameList(a.unprotected, b.unprotected) &&
    sameList(a.unexplained, b.unexplained)
  )
}

/** Whether there is nothing worth a first manifest. */
export function saysNothing({ sets, files, unprotected, unexplained }: State): boolean {
  return sets.size === 0 && files.size === 0 && unprotected.length === 0 && unexplained.length === 0
}

function sameMap<V>(
  a: ReadonlyMap<string, V>,
  b: ReadonlyMap<string, V>,
  same: (x: V, y: V) => boolean,
): boolean {
  if (a.size !== b.size) return false
  for (const [path, value] of a) {
    const other = b.get(path)
    if (other === undefined || (other !== value && !same(value, other))) return false
  }
  return true
}

function sameSet(a: StateSet, b: StateSet): boolean {
  return a.corrupt === b.corrupt && a.kept === b.kept && sameMap(a.components, b.components, sameEntry)
}

function sameEntry(a: Entry, b: Entry): boolean {
  return (
    a.key === b.key && a.crc64 === b.crc64 && a.size === b.size && a.mtime === b.mtime && a.inode === b.inode
  )
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
