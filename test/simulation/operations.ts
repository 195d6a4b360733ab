import type { Random } from '../manifest/random.js'

import type { Cassandra, Log, Steps } from './cassandra.js'
import type { SSTable } from './sstable.js'
import { hasLogs, type Store } from './store.js'

/** The parts of a table that are changed one after the other: the table itself, and its secondary index. */
export interface Family {
  readonly base: Store
  readonly index: Store | undefined
}

/** Writes an SSTable's components in the order in which Cassandra does. */
export function* write(cassandra: Cassandra, sstable: SSTable, random: Random): Steps {
  const { components } = sstable
  const last = components.includes('Partitions.db') ? 'Partitions.db' : undefined
  const early = last === undefined ? ['Index.db'] : ['Rows.db', last]
  const nodes = new Map(['Data.db', ...early].map(name => [name, cassandra.create(sstable, name)]))
  yield random.next() * 4
  for (const node of nodes.values()) cassandra.part(node)
  yield random.next() * 20
  for (const component of ['Index.db', 'Rows.db', 'Summary.db', 'Data.db', 'Statistics.db', 'TOC.txt']) {
    if (components.includes(component))
      yield* writeOne(cassandra, sstable, component, random, nodes.get(component))
  }
  for (const component of components)
    if (component.startsWith('SAI')) yield* writeOne(cassandra, sstable, component, random)
  if (last !== undefined) yield* writeOne(cassandra, sstable, last, random, nodes.get(last))
}

function* writeOne(
  cassandra: Cassandra,
  sstable: SSTable,
  component: string,
  random: Random,
  open?: ReturnType<Cassandra['create']>,
): Steps {
  const node = open ?? cassandra.create(sstable, component)
  if (random.chance(0.3)) yield random.next()
  cassandra.whole(sstable, component, node)
  cassandra.close(sstable, component, node)
  yield random.next() * 2
}

/** As streaming writes it: no TOC.txt, and Statistics.db is renamed into place. */
function* receive(cassandra: Cassandra, sstable: SSTable, random: Random): Steps {
  const others = sstable.components.filter(name => name !== 'TOC.txt' && name !== 'Statistics.db')
  const nodes = new Map(others.map(name => [name, cassandra.create(sstable, name)]))
  yield random.next() * 20
  yield* rewriteStatistics(cassandra, sstable, random)
  for (const [component, node] of nodes) {
    cassandra.whole(sstable, component, node)
    cassandra.close(sstable, component, node)
    yield random.next()
  }
}

/** Repair on a live SSTable: Statistics.db is written beside and renamed. */
export function* rewriteStatistics(cassandra: Cassandra, sstable: SSTable, random: Random): Steps {
  // Two at once would write one temporary file.
  cassandra.hold([sstable])
  const name = `${sstable.file('Statistics.db')}.tmp`
  const node = cassandra.create(sstable, 'Statistics.db', name)
  yield random.next()
  cassandra.whole(sstable, 'Statistics.db', node)
  cassandra.close(sstable, 'Statistics.db', node, name)
  yield random.next()
  cassandra.fs.rename(sstable.directory, name, sstable.directory, sstable.file('Statistics.db'))
  yield random.next()
}

/** Index-summary redistribution, or an SAI index that is created: a component is deleted and written again in place. */
export function* rewriteInPlace(
  cassandra: Cassandra,
  sstable: SSTable,
  component: string,
  random: Random,
): Steps {
  if (sstable.node(component) === undefined) return
  cassandra.fs.unlink(sstable.directory, sstable.file(component))
  yield random.next() * 5
  yield* writeOne(cassandra, sstable, component, random)
}

/** A flush, or a stream: what it writes, and the transaction around it. */
function* add(
  cassandra: Cassandra,
  store: Store,
  how: 'flush' | 'stream',
  outputs: readonly SSTable[],
  random: Random,
): Steps {
  cassandra.hold(outputs)
  const log = cassandra.log(store, how)
  yield* beginLog(cassandra, log, outputs, random)
  for (const output of outputs)
    yield* how === 'flush' ? write(cassandra, output, random) : receive(cassandra, output, random)
  yield* cassandra.commit(log, store, outputs, [])
  yield random.next() * 15
  yield* cassandra.endLog(log)
}

/** An ADD line may name an SSTable that never comes: an empty range. */
function* beginLog(cassandra: Cassandra, log: Log, outputs: readonly SSTable[], random: Random): Steps {
  const [first] = outputs
  const phantoms =
    first !== undefined && random.chance(0.1)
      ? [first.store.sstable(random.pick(first.store.directories)!)]
      : []
  for (const directory of new Set(outputs.map(({ directory }) => directory))) {
    cassandra.replicate(log, directory, [...outputs, ...phantoms])
    yield random.next()
  }
}

export function* flush(cassandra: Cassandra, { base, index }: Family, random: Random): Steps {
  const stores = index === undefined ? [base] : random.chance(0.5) ? [base, index] : [index, base]
  const parts: { outputs: readonly SSTable[]; time: number }[] = []
  for (const store of stores) {
    const directories = random.chance(0.6) ? store.directories : [random.pick(store.directories)!]
    const outputs = directories.map(directory => store.sstable(directory))
    if (hasLogs(store.format)) yield* add(cassandra, store, 'flush', outputs, random)
    else for (const output of outputs) yield* writeTemporary(cassandra, output, random)
    parts.push({ outputs, time: cassandra.time.now })
    yield 5 + random.next() * 100
  }
  const [one, other] = parts
  if (one !== undefined && other !== undefined)
    base.truth.pairs.push({ first: one.outputs, second: other.outputs, from: one.time, to: other.time })
}

/** Below 3.0: components are written under other names, and renamed, Data.db last but for the summary. */
function* writeTemporary(cassandra: Cassandra, sstable: SSTable, random: Random): Steps {
  cassandra.hold([sstable])
  const { components, directory } = sstable
  const temporary = (component: string) => sstable.file(component).replace('-jb-', '-tmp-jb-')
  for (const component of components) {
    const node = cassandra.create(sstable, component, temporary(component))
    yield random.next() * 3
    cassandra.whole(sstable, component, node)
    cassandra.close(sstable, component, node, temporary(component))
  }
  const late = ['Data.db', 'Summary.db']
  for (const component of [...components.filter(name => !late.includes(name)), ...late]) {
    cassandra.fs.rename(directory, temporary(component), directory, sstable.file(component))
    if (component === 'Data.db') cassandra.committed(sstable.store, [sstable], [], 'files')
    yield random.next() * 2
  }
}

export function* stream(cassandra: Cassandra, { base }: Family, random: Random): Steps {
  const count = 1 + random.below(3)
  const outputs = Array.from({ length: count }, () => base.sstable(random.pick(base.directories)!))
  if (hasLogs(base.format)) yield* add(cassandra, base, 'stream', outputs, random)
  else for (const output of outputs) yield* writeTemporary(cassandra, output, random)
}

export function* compact(cassandra: Cassandra, { base, index }: Family, random: Random): Steps {
  const store = index !== undefined && random.chance(0.3) ? index : base
  const inputs = random.some(store.idle, 2)
  if (inputs.length === 0) return
  cassandra.hold(inputs)
  // An anticompaction has two outputs; a compaction of nothing but tombstones has none.
  const count = random.chance(0.15) ? 2 : random.chance(0.1) ? 0 : 1
  const outputs = Array.from({ length: count }, () => store.sstable(random.pick(store.directories)!))
  if (!hasLogs(store.format)) {
    for (const output of outputs) yield* writeTemporary(cassandra, output, random)
    if (outputs.length === 0) return
    yield random.next() * 50
    yield* removeWithoutLog(cassandra, inputs, random)
    return
  }
  cassandra.hold(outputs)
  const log = cassandra.log(store, random.chance(0.8) ? 'compaction' : 'anticompaction')
  const first = inputs[0]!
  for (const directory of new Set([...outputs, first].map(sstable => sstable.directory))) {
    cassandra.replicate(log, directory, outputs)
    yield random.next()
  }
  for (const output of outputs) yield* write(cassandra, output, random)
  yield random.next() * 3
  cassandra.removing(log, inputs)
  yield random.next()
  yield* cassandra.commit(log, store, outputs, inputs)
  yield random.next() * 60
  yield* cassandra.unlink(inputs, random)
  yield random.next() * 10
  yield* cassandra.endLog(log)
}

function* removeWithoutLog(cassandra: Cassandra, sstables: readonly SSTable[], random: Random): Steps {
  for (const sstable of sstables) {
    cassandra.fs.unlink(sstable.directory, sstable.file('Data.db'))
    cassandra.committed(sstable.store, [], [sstable], 'files')
    yield random.next()
    yield* cassandra.unlink([sstable], random)
  }
}

/** A truncate, or a drop: every SSTable goes, the table's first, its index's some time later. */
export function* end(cassandra: Cassandra, { base, index }: Family, random: Random, pause: number): Steps {
  for (const store of index === undefined ? [base] : [base, index]) {
    const removes = [...store.live]
    cassandra.hold(removes)
    const log = cassandra.log(store, 'unknowncompactiontype')
    const directories = new Set(removes.map(({ directory }) => directory))
    if (directories.size === 0) directories.add(store.directories[0]!)
    for (const directory of directories) cassandra.replicate(log, directory, [])
    yield random.next()
    cassandra.removing(log, removes)
    yield random.next()
    yield* cassandra.commit(log, store, [], removes, store === base ? 'end' : 'transaction')
    yield random.next() * 8 + pause
    yield* cassandra.unlink(removes, random)
    yield random.next()
    yield* cassandra.endLog(log)
    yield 20 + random.next() * 200
  }
}

/** What Cassandra does at its start with what a crash has left. Then it reads what is there. */
export function* restart(cassandra: Cassandra, random: Random): Steps {
  for (const store of cassandra.stores) {
    if (store.isDropped) continue
    yield* cleanUp(cassandra, store, random)
    yield* removeOrphans(cassandra, store)
    store.recount()
  }
  cassandra.isUp = true
  for (const store of cassandra.stores) {
    if (store.isDropped) continue
    for (const sstable of store.truth.live)
      if (sstable instanceof Object && isOf(sstable, store)) store.live.add(sstable)
  }
}

function isOf(sstable: object, store: Store): sstable is SSTable {
  return 'store' in sstable && sstable.store === store
}

function* cleanUp(cassandra: Cassandra, store: Store, random: Random): Steps {
  const logs = new Map<string, { directory: Store['directories'][number]; name: string }[]>()
  for (const directory of store.directories) {
    for (const name of directory.files.keys()) {
      if (!name.endsWith('.log')) continue
      const replicas = logs.get(name)
      if (replicas === undefined) logs.set(name, [{ directory, name }])
      else replicas.push({ directory, name })
    }
  }
  for (const replicas of logs.values()) {
    const txns = replicas.map(({ directory, name }) => directory.files.get(name)?.txn)
    const isCommitted = txns.some(txn => txn?.committed === true)
    const names = new Set(txns.flatMap(txn => [...((isCommitted ? txn?.removes : txn?.adds) ?? [])]))
    for (const directory of store.directories) {
      for (const file of [...directory.files.keys()]) {
        const end = file.lastIndexOf('-')
        if (!names.has(file.slice(0, end))) continue
        cassandra.fs.unlink(directory, file)
        yield random.next() * 0.5
      }
    }
    for (const { directory, name } of replicas) cassandra.fs.unlink(directory, name)
    yield random.next()
  }
}

/** Temporary files, and components without a Data.db. */
function* removeOrphans(cassandra: Cassandra, { directories }: Store): Steps {
  for (const directory of directories) {
    for (const file of [...directory.files.keys()]) {
      const sstable = file.slice(0, file.lastIndexOf('-'))
      if (!file.endsWith('.tmp') && !file.includes('-tmp-') && directory.files.has(`${sstable}-Data.db`))
        continue
      cassandra.fs.unlink(directory, file)
      yield 0.2
    }
  }
}
