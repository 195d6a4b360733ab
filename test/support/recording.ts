import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

import { isTxnLog, parseComponent } from '../../src/cassandra/names.js'

/** One recorded event. */
export interface Step {
  /** ms since the first one. */
  readonly time: number
  readonly event: string
  /** Of a rename: the same for both of its events. */
  readonly cookie: string
  /** Without the node's own directory: `data/ks1/t1-…/nb-1-big-Data.db`. */
  readonly path: string
}

/** Steps between which a set is not whole; the last one makes it so. */
export interface Torn {
  readonly from: number
  readonly to: number
}

/** Events further apart, ms, belong to different operations, as a settle time of a second has it. */
export const BURST = 1_000

/** What inotify told of a live node's tables, by what the node did; see test/fixtures/events. */
export const RECORDINGS: ReadonlyMap<string, readonly Step[]> = parse()

function parse(): Map<string, Step[]> {
  const file = new URL('../../../test/fixtures/events/rows.log.gz', import.meta.url)
  const recordings = new Map<string, Step[]>()
  let steps: Step[] = []
  for (const line of gunzipSync(readFileSync(fileURLToPath(file)))
    .toString()
    .trimEnd()
    .split('\n')) {
    if (line.startsWith('# ')) recordings.set(line.slice(2), (steps = []))
    else {
      const [time = '', event = '', cookie = '', path = ''] = line.split(' ')
      steps.push({ time: Number(time), event, cookie, path })
    }
  }
  return recordings
}

/** A transaction log's life; its replicas in several data directories are one. */
interface Log {
  readonly directory: string
  readonly created: number
  /** Steps that write to it, by its path. */
  readonly writes: Map<string, number[]>
  lastWrite: number
  deleted: number
}

/** What the recorded events tell of sets and transactions. */
export class Recording {
  /** What a log holds after a step that writes to it. */
  readonly logs = new Map<number, string>()
  /** When a set is not whole, by its path. */
  readonly torn = new Map<string, Torn[]>()
  readonly #steps: readonly Step[]
  /** The step that creates Data.db, and the one that deletes it, in turn; by the set's path. */
  readonly #born = new Map<string, number[]>()
  readonly #died = new Map<string, number[]>()

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    const touched = new Map<string, number[]>()
    for (const [i, { event, path }] of steps.entries()) {
      const component = parseComponent(basename(path))
      if (component === undefined || path.endsWith('.tmp')) continue
      const set = `${dirname(path)}/${component.set}`
      push(touched, set, i)
      const isData = component.component === 'Data.db'
      if (isData && (event === 'CREATE' || event === 'MOVED_TO')) push(this.#born, set, i)
      if (isData && (event === 'DELETE' || event === 'MOVED_FROM')) push(this.#died, set, i)
    }
    const commits = this.#readLogs(touched)
    for (const [set, indexes] of touched) this.torn.set(set, this.#bursts(indexes, commits.get(set) ?? []))
  }

  /** Sets that must have been there before the first step. */
  get before(): string[] {
    const sets = [...this.torn.keys()].filter(set => !isCopy(set))
    return sets.filter(set => !this.#born.has(set) && !this.#isFound(set))
  }

  /** Sets of tables that came to be whole within the recording. */
  get whole(): string[] {
    const created = [...this.#born.keys()].filter(set => !isCopy(set))
    return created.filter(set =>
      this.torn.get(set)?.some(({ to }) => this.#died.get(set)?.includes(to) !== true),
    )
  }

  /** Whether a scan shows the set's files. */
  #isFound(set: string): boolean {
    return this.#steps.some(({ event, path }) => event === 'SCAN_FOUND' && path === `${set}-Data.db`)
  }

  /** What each log says after each of its writes. @returns when each set's creation was committed, or given up */
  #readLogs(touched: ReadonlyMap<string, readonly number[]>): Map<string, Torn[]> {
    const creations = new Map<string, Torn[]>()
    for (const log of this.#logs()) {
      const { created, lastWrite, deleted, writes, directory } = log
      const isWithin = (set: string) => table(dirname(set)) === directory
      const first = (set: string) => (touched.get(set) ?? []).find(i => i > created) ?? Infinity
      const isMade = (set: string) => {
        const from = first(set)
        return from < lastWrite && this.#steps[from]?.event === 'CREATE' && this.#isNew(set, created)
      }
      const adds = [...touched.keys()].filter(set => isWithin(set) && isMade(set))
      const dies = (set: string) => (this.#died.get(set) ?? []).some(i => i > lastWrite && i < deleted)
      const removes = [...this.#died.keys()].filter(set => isWithin(set) && dies(set) && !adds.includes(set))
      const isAborted = adds.some(dies)
      for (const set of adds) push(creations, set, { from: first(set), to: isAborted ? deleted : lastWrite })
      for (const indexes of writes.values()) {
        const rest: number[] = []
        let known = 0
        for (const [j, i] of indexes.entries()) {
          const count = adds.filter(set => first(set) < (indexes[j + 1] ?? Infinity)).length
          if (count === known) rest.push(i)
          known = count
          const told = rest.length === 0 ? 0 : i >= (rest.at(-1) ?? 0) ? rest.length : 0
          const isLast = j === indexes.length - 1
          const isReady = isLast || j === indexes.length - 2
          const lines = [
            ...adds.slice(0, count).map(set => `ADD:[/node/${set}-,0,8][1]`),
            ...removes.slice(0, isReady ? removes.length : told).map(set => `REMOVE:[/node/${set}-,17,8][2]`),
            ...(isLast && !isAborted ? ['COMMIT:[,0,0][3]'] : []),
          ]
          this.logs.set(i, lines.map(line => `${line}\n`).join(''))
        }
      }
    }
    return creations
  }

  /** Whether a set was not there when a log was created. */
  #isNew(set: string, created: number): boolean {
    const born = (this.#born.get(set) ?? []).filter(i => i < created).length
    const died = (this.#died.get(set) ?? []).filter(i => i < created).length
    return born === died && !this.before.includes(set)
  }

  #logs(): Log[] {
    const logs = new Map<string, Log>()
    for (const [i, { event, path }] of this.#steps.entries()) {
      const name = basename(path)
      if (!isTxnLog(name)) continue
      const directory = table(dirname(path))
      const key = `${directory}/${name}`
      const log = logs.get(key) ?? {
        directory,
        created: i,
        writes: new Map<string, number[]>(),
        lastWrite: i,
        deleted: Infinity,
      }
      logs.set(key, log)
      if (event === 'CLOSE_WRITE') {
        push(log.writes, path, i)
        // A COMMIT in any replica counts.
        log.lastWrite = Math.min(...[...log.writes.values()].map(writes => writes.at(-1) ?? Infinity))
      } else if (event === 'DELETE') log.deleted = i
    }
    return [...logs.values()]
  }

  /** The times during which a set changes: its creation within a transaction, and whatever follows without a pause. */
  #bursts(indexes: readonly number[], creations: readonly Torn[]): Torn[] {
    const torn = [...creations]
    let from: number | undefined
    let last = -1
    for (const i of indexes) {
      if (creations.some(creation => i >= creation.from && i <= creation.to)) continue
      const gap = (this.#steps[i]?.time ?? 0) - (this.#steps[last]?.time ?? -Infinity)
      const isApart = gap >= BURST || creations.some(({ to }) => last < to && to < i)
      if (from !== undefined && isApart) torn.push({ from, to: last })
      if (from === undefined || isApart) from = i
      last = i
    }
    if (from !== undefined) torn.push({ from, to: last })
    return torn
  }
}

/** A table, or its index, in whichever data directory. */
function table(directory: string): string {
  return directory.slice(directory.indexOf('/') + 1)
}

/** Whether a path lies in a directory that Cassandra fills with hardlinks. */
export function isCopy(path: string): boolean {
  return /\/(snapshots|backups)(\/|$)/.test(path)
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
