import { join } from 'node:path'

import { errorCode } from '../errors.js'
import { BASIC, judge, parseToc, type Verdict } from '../sstable/complete.js'
import { isTxnLog, parseComponent } from '../sstable/names.js'
import { parseTxn, type Txn } from '../sstable/txn.js'

import { identify, isFile } from './found.js'
import { readSmall } from './small-file.js'
import { Unit, type UnitState } from './unit.js'

/** States of a unit that is, or may soon be, complete without being durable. */
const UNSURE: ReadonlySet<UnitState> = new Set(['dirty', 'settling', 'busy', 'failed'])

/** What is known of one watched directory: its sets, its other files and its transaction logs. */
export class Directory {
  readonly units = new Map<string, Unit>()
  /** Something here vanished unheard of: only another scan tells what there is now. */
  stale = false
  /** It is watched no longer, or another one has its path now. */
  lost = false
  /** When a set went away without a transaction log that says why, ms of the monotonic clock. */
  shrunk = -Infinity
  readonly #txns = new Map<string, Txn>()
  readonly #accepts: (name: string) => boolean

  /** @param accepts whether a file of this directory is backed up */
  constructor(
    readonly path: string,
    accepts: (name: string) => boolean,
  ) {
    this.#accepts = accepts
  }

  /** The unit that a file belongs to, made when it is new. */
  unitOf(name: string): Unit {
    const component = parseComponent(name)
    const key = component?.set ?? name
    let unit = this.units.get(key)
    if (unit === undefined) {
      unit = new Unit(key, component !== undefined)
      this.units.set(key, unit)
    }
    return unit
  }

  /** Reads a transaction log again. @returns the sets that it names */
  readTxn(name: string): readonly string[] {
    let content: string | undefined
    try {
      content = readSmall(join(this.path, name))
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return this.endTxn(name)
    }
    if (content === undefined) return []
    const txn = parseTxn(content)
    this.#txns.set(name, txn)
    if (txn.committed) this.#settle(txn)
    return [...txn.adds, ...txn.removes]
  }

  /** A transaction log is gone: what it wrote is complete. @returns the sets that it named */
  endTxn(name: string): readonly string[] {
    const txn = this.#txns.get(name)
    if (txn === undefined) return []
    this.#txns.delete(name)
    this.#settle(txn)
    return [...txn.adds, ...txn.removes]
  }

  /** Ends the transactions whose logs are not among these. */
  endTxnsExcept(names: readonly string[]): void {
    for (const name of [...this.#txns.keys()]) if (!names.includes(name)) this.endTxn(name)
  }

  /** Whether a transaction log that has not committed says that the set is being written. */
  isWritten(set: string): boolean {
    return [...this.#txns.values()].some(txn => !txn.committed && txn.adds.has(set))
  }

  /** Whether a committed transaction log says that the set is about to go. */
  isObsolete(set: string): boolean {
    return [...this.#txns.values()].some(txn => txn.committed && txn.removes.has(set))
  }

  /**
   * Whether what is durable here is a moment of the directory: nothing complete is missing, nothing is half removed.
   * @param settle ms
   */
  isMoment(settle: number): boolean {
    if (performance.now() - this.shrunk < settle) return false
    for (const { state } of this.units.values()) if (UNSURE.has(state)) return false
    // What a commit adds takes the place of what it removes, so it must be durable first.
    return [...this.#txns.values()].every(
      txn => !txn.committed || txn.removes.size === 0 || [...txn.adds].every(set => this.#isDurable(set)),
    )
  }

  /** Judges a unit by its files as they are now. @param settle ms @param now ms of the monotonic clock */
  judge(unit: Unit, settle: number, now: number): Verdict {
    const known = unit.names.size
    const quiet = unit.quiet(this.path, now)
    if (unit.sstable && unit.names.size < known) this.stale = true
    if (unit.names.size === 0) return { state: 'waiting', missing: [unit.name] }
    if (!unit.sstable) {
      return unit.settled || quiet >= settle
        ? { state: 'complete' }
        : { state: 'settling', wait: settle - quiet }
    }
    const parsed = [...unit.names].map(name => parseComponent(name))
    const components = new Set(parsed.map(part => part?.component ?? ''))
    const toc = this.#toc(unit)
    // A component may have come before its directory was watched, or be one that is not backed up.
    for (const component of [...BASIC, ...(toc ?? [])]) {
      const name = `${unit.name}-${component}`
      if (components.has(component) || !isFile(join(this.path, name))) continue
      components.add(component)
      if (this.#accepts(name)) unit.names.add(name)
    }
    const written = this.isWritten(unit.name)
    const obsolete = this.isObsolete(unit.name)
    return judge(
      { components, toc, version: parsed[0]?.version ?? '' },
      { written, obsolete, settled: unit.settled, quiet },
      settle,
    )
  }

  /** Whether an output of a commit is in the bucket, or there is no such output: anticompaction announces some in vain. */
  #isDurable(set: string): boolean {
    const state = this.units.get(set)?.state
    return state === 'done' || state === 'old' || identify(join(this.path, `${set}-Data.db`)) === undefined
  }

  #toc(unit: Unit): string[] | undefined {
    try {
      return parseToc(readSmall(join(this.path, `${unit.name}-TOC.txt`)) ?? '')
    } catch {
      return undefined
    }
  }

  #settle(txn: Txn): void {
    for (const set of txn.adds) {
      const unit = this.units.get(set)
      if (unit !== undefined && unit.state !== 'done') unit.settled = true
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
