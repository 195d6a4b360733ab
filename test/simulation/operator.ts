import type { Random } from '../manifest/random.js'

import type { Cassandra, Steps } from './cassandra.js'
import type { Directory, FileNode } from './file-system.js'
import type { Family } from './operations.js'
import type { SSTable } from './sstable.js'
import { FOREIGN, type Store } from './store.js'

/** The longest pause between two writes of a copy, ms: shorter than the settle time, so that its files never look at rest. */
const COPY_PAUSE = 200

/** How long after a refresh an SSTable is not moved aside, and nobody can tell what went in it, ms. */
const RENAMED = 3000

/** Components without which Cassandra does not read an SSTable. */
export function isVital(component: string): boolean {
  return /^(Data|Index|Statistics|Rows|Partitions)\.db$/.test(component)
}

/** A whole SSTable that lies where nobody watches. */
function foreign(
  cassandra: Cassandra,
  store: Store,
  random: Random,
  generation?: number,
): Map<SSTable, Map<string, FileNode>> {
  const directory = random.pick(store.directories)!
  const sstable = store.sstable(directory, generation)
  return new Map([[sstable, elsewhere(cassandra, sstable, random)]])
}

function elsewhere(cassandra: Cassandra, sstable: SSTable, random: Random): Map<string, FileNode> {
  const nodes = new Map<string, FileNode>()
  for (const component of sstable.components) {
    const node = cassandra.fs.elsewhere(1000 + random.below(100))
    if (component === 'TOC.txt') node.toc = sstable.components
    sstable.note(component, node.content)
    nodes.set(component, node)
  }
  return nodes
}

/** `nodetool import`: files are moved in, or linked. Cassandra reads them once all are there. */
export function* importFiles(cassandra: Cassandra, { base }: Family, random: Random): Steps {
  const isCopy = random.chance(0.5)
  for (const [sstable, nodes] of foreign(cassandra, base, random)) {
    cassandra.hold([sstable])
    const order = shuffled([...nodes.keys()], random)
    const arriving = new Arriving(cassandra, sstable, true)
    for (const component of order) {
      const node = nodes.get(component)!
      if (isCopy) cassandra.fs.link(node, sstable.directory, sstable.file(component))
      else cassandra.fs.moveIn(node, sstable.directory, sstable.file(component))
      arriving.note()
      yield random.next()
    }
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return random.some(items, items.length)
}

/**
 * An SSTable that is put into its directory file by file counts from the instant on at which all that Cassandra cannot do
 * without is there; once, as a truncate may remove it before its last file has come.
 */
class Arriving {
  #isWhole = false
  readonly #cassandra: Cassandra
  readonly #sstable: SSTable
  readonly #isOpened: boolean

  /** @param isOpened whether Cassandra opens it then */
  constructor(cassandra: Cassandra, sstable: SSTable, isOpened: boolean) {
    this.#cassandra = cassandra
    this.#sstable = sstable
    this.#isOpened = isOpened
  }

  /** A file of it has come. */
  note(): void {
    const { store, components } = this.#sstable
    if (this.#isWhole) return
    this.#isWhole = components.every(name => !isVital(name) || isAsItShould(this.#sstable, name))
    if (!this.#isWhole) return
    if (this.#isOpened) this.#cassandra.committed(store, [this.#sstable], [], 'files')
    else store.truth.commit(this.#cassandra.time.now, [this.#sstable], [], 'files')
  }
}

function isAsItShould(sstable: SSTable, component: string): boolean {
  const node = sstable.node(component)
  return node !== undefined && sstable.contents.get(component)?.has(node.content) === true
}

/** An operator copies an SSTable into the table's directory, in the order of its names. @param isCut whether the copy ends in its middle */
export function* copyIn(cassandra: Cassandra, { base }: Family, random: Random, isCut: boolean): Steps {
  const generation = FOREIGN + random.below(20)
  for (const [sstable, nodes] of foreign(cassandra, base, random, generation)) {
    if (isThere(sstable)) return
    yield* copy(cassandra, sstable, nodes, random, isCut ? 1 + random.below(nodes.size - 1) : nodes.size)
  }
}

function isThere(sstable: SSTable): boolean {
  return sstable.components.some(component => sstable.node(component) !== undefined)
}

function* copy(
  cassandra: Cassandra,
  sstable: SSTable,
  nodes: ReadonlyMap<string, FileNode>,
  random: Random,
  count: number,
): Steps {
  const isPreserving = random.chance(0.5)
  const arriving = new Arriving(cassandra, sstable, false)
  for (const component of [...nodes.keys()].sort().slice(0, count)) {
    const source = nodes.get(component)!
    const node = cassandra.create(sstable, component)
    for (let parts = random.below(3); parts > 0; parts--) {
      yield random.next() * COPY_PAUSE
      cassandra.fs.write(node, node.size + 100)
    }
    yield random.next() * COPY_PAUSE
    cassandra.fs.write(node, source.size, source.content)
    node.toc = source.toc
    cassandra.close(sstable, component, node)
    if (isPreserving) node.take(source)
    arriving.note()
    yield random.next() * COPY_PAUSE
  }
}

/** An operator copies an SSTable in with a program that makes all files first, and then fills them, the small ones first. */
export function* spreadCopy(cassandra: Cassandra, { base }: Family, random: Random): Steps {
  for (const [sstable, sources] of foreign(cassandra, base, random, FOREIGN + random.below(20))) {
    if (isThere(sstable)) return
    const arriving = new Arriving(cassandra, sstable, false)
    const nodes = new Map([...sources.keys()].map(name => [name, cassandra.create(sstable, name)]))
    base.truth.deleted.set(sstable.path, cassandra.time.now)
    const order = shuffled([...nodes.keys()], random)
    const isLarge = (name: string) => isVital(name) && name !== 'Statistics.db'
    for (const component of [...order.filter(name => !isLarge(name)), ...order.filter(isLarge)]) {
      const node = nodes.get(component)!
      const source = sources.get(component)!
      yield random.next() * COPY_PAUSE
      cassandra.fs.write(node, 100)
      // All files are there: if they went now, nobody could tell that they were not filled yet.
      base.truth.deleted.set(sstable.path, cassandra.time.now)
      yield random.next() * COPY_PAUSE
      cassandra.fs.write(node, source.size, source.content)
      node.toc = source.toc
      cassandra.close(sstable, component, node)
      arriving.note()
    }
  }
}

/**
 * An operator moves another SSTable's files over those of one, as rsync does: no event tells that the ones before went. It
 * is one that is backed up: of one that nobody has looked at, nobody could tell old files from new ones.
 */
export function* overwrite(
  cassandra: Cassandra,
  { base }: Family,
  random: Random,
  isNamed: (path: string) => boolean,
): Steps {
  const old = random.pick(base.idle.filter(({ path }) => isNamed(path)))
  if (old === undefined) return
  const sstable = base.again(old)
  cassandra.hold([old, sstable])
  base.live.delete(old)
  const arriving = new Arriving(cassandra, sstable, false)
  for (const [component, node] of elsewhere(cassandra, sstable, random)) {
    cassandra.fs.moveIn(node, sstable.directory, sstable.file(component))
    if (isVital(component)) base.truth.commit(cassandra.time.now, [], [old], 'files')
    // Between the first file and the last one it may be missed; then an SSTable is under the name again.
    base.truth.deleted.set(old.path, cassandra.time.now)
    arriving.note()
    yield random.next() * COPY_PAUSE
  }
}

/** An operator deletes SSTables, and may bring them back after a while. */
export function* deleteFiles(
  cassandra: Cassandra,
  { base }: Family,
  random: Random,
  returns: boolean,
): Steps {
  const sstables = random.some(base.idle).slice(0, 2)
  cassandra.hold(sstables)
  const kept = new Map<SSTable, Map<string, FileNode>>()
  for (const sstable of sstables) {
    const nodes = new Map<string, FileNode>()
    for (const component of sstable.components) {
      const node = sstable.node(component)
      if (node === undefined) continue
      nodes.set(component, node)
      cassandra.fs.unlink(sstable.directory, sstable.file(component))
      if (component === 'Data.db') base.truth.commit(cassandra.time.now, [], [sstable], 'deleted')
      yield random.next()
    }
    base.live.delete(sstable)
    kept.set(sstable, nodes)
  }
  if (!returns) return
  yield random.next() * 20_000
  for (const [sstable, nodes] of kept)
    if (!isThere(sstable)) yield* copy(cassandra, sstable, nodes, random, nodes.size)
}

/** Cassandra is down; somebody empties its directory. */
export function wipe(cassandra: Cassandra, store: Store): void {
  const { now } = cassandra.time
  for (const directory of store.directories) {
    const names = [...directory.files.keys()]
    for (const name of names) cassandra.fs.unlink(directory, name)
    // Who does not judge what is there at the start misses it, even if it was incomplete.
    const present = names
      .filter(name => name.endsWith('-Data.db'))
      .map(name => name.slice(0, -'-Data.db'.length))
    store.truth.empty(directory.path, now - RENAMED, now, present)
  }
  store.truth.commit(
    now,
    [],
    [...store.truth.live].filter(({ path }) => isBelow(store, path)),
    'deleted',
  )
}

function isBelow({ directories }: Store, path: string): boolean {
  return directories.some(
    directory => path.startsWith(`${directory.path}/`) && !path.includes('/', directory.path.length + 1),
  )
}

/** `nodetool refresh` of SSTables that an operator has put into the table's directory: they get new names. */
export function* refresh(cassandra: Cassandra, { base }: Family, random: Random): Steps {
  for (const [old, nodes] of foreign(cassandra, base, random, FOREIGN + 50 + random.below(20))) {
    if (isThere(old)) return
    yield* copy(cassandra, old, nodes, random, nodes.size)
    yield random.next() * 3000
    const renamed = base.sstable(old.directory)
    for (const [component, contents] of old.contents)
      for (const content of contents) renamed.note(component, content)
    cassandra.hold([renamed])
    renamed.formerPath = old.path
    let isOpen = false
    const arriving = new Arriving(cassandra, renamed, true)
    for (const component of shuffled([...nodes.keys()], random)) {
      cassandra.fs.rename(old.directory, old.file(component), old.directory, renamed.file(component))
      if (component === 'Data.db') base.truth.commit(cassandra.time.now, [], [old], 'files')
      else if (isVital(component) && !isOpen) {
        base.truth.commit(cassandra.time.now, [], [old], 'files')
        isOpen = true
      }
      arriving.note()
      renamed.renamedAt = cassandra.time.now
      yield random.next()
    }
  }
}

/** A restore of ours with --replace: SSTables are moved aside, and those of a restore point are moved in, Data.db last. */
export function* restoreReplacing(
  cassandra: Cassandra,
  { base }: Family,
  random: Random,
  aside: Directory,
): Steps {
  // Nobody can follow one that is renamed twice before it has come to rest.
  const old = base.idle.filter(({ renamedAt }) => cassandra.time.now - renamedAt > RENAMED)
  // The real directory for that has one below it for each table's directory, so that names do not meet.
  const names = new Set([...aside.files.keys()].map(name => name.slice(0, name.lastIndexOf('-'))))
  const replaced = random
    .some(old)
    .slice(0, 2)
    .filter(({ name }) => !names.has(name) && names.add(name))
  cassandra.hold(replaced)
  for (const sstable of replaced) {
    for (const component of shuffled(sstable.components, random)) {
      if (sstable.node(component) === undefined) continue
      cassandra.fs.rename(sstable.directory, sstable.file(component), aside, sstable.file(component))
      if (component === 'Data.db') base.truth.commit(cassandra.time.now, [], [sstable], 'files')
      yield random.next() * 0.2
    }
    base.live.delete(sstable)
  }
  for (const [sstable, nodes] of foreign(cassandra, base, random)) {
    const components = [...nodes.keys()].filter(name => name !== 'Data.db')
    const arriving = new Arriving(cassandra, sstable, false)
    for (const component of [...components, 'Data.db']) {
      cassandra.fs.moveIn(nodes.get(component)!, sstable.directory, sstable.file(component))
      arriving.note()
      yield random.next() * 0.5
    }
  }
}
