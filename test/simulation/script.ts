import fc from 'fast-check'

/** What happens to the node, by whoever. */
export const OPERATIONS = [
  'flush',
  'compact',
  'stream',
  'import',
  'repair',
  'rewrite',
  'truncate',
  'drop',
  'copy',
  'cutCopy',
  'delete',
  'deleteAndReturn',
  'refresh',
  'restore',
  'snapshot',
  'crash',
  'wipe',
  'removeDirectory',
  'replaceDirectory',
  'spreadCopy',
  'overwrite',
  'otherFile',
  'restless',
] as const

/** What happens to the daemon, and to the bucket. */
export const FAULTS = [
  'freeze',
  'kill',
  'overflow',
  'slow',
  'failing',
  'lossy',
  'refused',
  'fair',
  'oneShot',
  'takeOver',
  'replaceMachine',
  'unreadableNewest',
  'noDescriptors',
  'noLogDescriptors',
  'jump',
  'noListings',
] as const

export type Operation = (typeof OPERATIONS)[number]
export type Fault = (typeof FAULTS)[number]

/** One thing that happens. */
export interface Event {
  readonly what: Operation | Fault
  /** ms after the event before. */
  readonly after: number
  /** Seed of what is left to chance in it. */
  readonly salt: number
}

/** A node, a daemon, and what happens to both. */
export interface Script {
  readonly format: 'big' | 'trie' | 'uuid' | 'sai' | 'old'
  readonly directories: number
  readonly hasIndex: boolean
  readonly includesCopies: boolean
  /** SSTables that are there at the start. */
  readonly existing: number
  readonly mode: 'all' | 'watch' | 'delete'
  readonly pace: 'quick' | 'busy' | 'starved' | 'stopped'
  /** Whether operations are fast or slow. */
  readonly speed: number
  readonly salt: number
  /** CPU time of one step of the process, ms; default: none, so that nothing has to keep a distance for its cost. */
  readonly stepCost?: number
  readonly events: readonly Event[]
}

function weighted<T>(weights: readonly (readonly [T, number])[]): fc.Arbitrary<T> {
  return fc.constantFrom(...weights.flatMap(([value, weight]) => new Array<T>(weight).fill(value)))
}

type Weights = readonly (readonly [Operation | Fault, number])[]

const WEIGHTS: Weights = [
  ['flush', 40],
  ['compact', 26],
  ['stream', 5],
  ['import', 5],
  ['repair', 3],
  ['rewrite', 3],
  ['truncate', 6],
  ['drop', 2],
  ['copy', 4],
  ['cutCopy', 2],
  ['delete', 2],
  ['deleteAndReturn', 2],
  ['refresh', 2],
  ['restore', 2],
  ['snapshot', 2],
  ['crash', 4],
  ['wipe', 1],
  ['removeDirectory', 1],
  ['replaceDirectory', 1],
  ['freeze', 8],
  ['kill', 5],
  ['overflow', 3],
  ['slow', 2],
  ['failing', 2],
  ['lossy', 2],
  ['refused', 1],
  ['fair', 4],
  ['oneShot', 2],
  ['takeOver', 1],
  ['replaceMachine', 1],
  ['unreadableNewest', 1],
  ['noDescriptors', 1],
  ['noLogDescriptors', 2],
  ['jump', 1],
]

/** What happens in fewer histories: seldom enough to leave room for the rest, often enough to meet it. */
const MORE: Weights = [
  ['spreadCopy', 4],
  ['overwrite', 3],
  ['otherFile', 3],
  ['restless', 2],
  ['noListings', 2],
  ['unreadableNewest', 2],
  ['oneShot', 3],
  ['jump', 2],
  ['lossy', 2],
  ['takeOver', 2],
  ['replaceMachine', 1],
]

function eventOf(weights: Weights): fc.Arbitrary<Event> {
  return fc.record({
    what: weighted(weights),
    after: fc.oneof(fc.nat(30), fc.nat(300), fc.nat(3000), { arbitrary: fc.nat(12_000), weight: 1 }),
    salt: fc.nat(0xffff),
  })
}

const PLAIN = {
  format: weighted<Script['format']>([
    ['big', 6],
    ['trie', 1],
    ['uuid', 1],
    ['sai', 1],
    ['old', 1],
  ]),
  directories: weighted([
    [1, 3],
    [2, 1],
  ]),
  hasIndex: weighted([
    [false, 5],
    [true, 1],
  ]),
  includesCopies: weighted([
    [false, 9],
    [true, 1],
  ]),
  existing: fc.nat(3),
  mode: weighted<Script['mode']>([
    ['all', 8],
    ['watch', 1],
    ['delete', 1],
  ]),
  pace: weighted<Script['pace']>([
    ['quick', 3],
    ['busy', 3],
    ['stopped', 3],
    ['starved', 1],
  ]),
  speed: fc.constantFrom(1, 0.2, 5, 30),
  salt: fc.nat(0xffffff),
}

/** Histories of what happens to every node. */
const USUAL: fc.Arbitrary<Script> = fc.record({
  ...PLAIN,
  events: fc.array(eventOf(WEIGHTS), { minLength: 1, maxLength: 24, size: 'max' }),
})

/** Histories in which rarer things happen as well, and each step of the process costs CPU time. */
const RARE: fc.Arbitrary<Script> = fc.record({
  ...PLAIN,
  mode: weighted<Script['mode']>([
    ['all', 5],
    ['watch', 2],
    ['delete', 2],
  ]),
  stepCost: fc.constantFrom(0, 0.02, 0.2, 2),
  events: fc.array(eventOf([...WEIGHTS, ...MORE]), { minLength: 1, maxLength: 24, size: 'max' }),
})

/** The histories that a seed draws from: a third of the seeds has the rarer ones. */
export function scriptsOf(seed: number): fc.Arbitrary<Script> {
  return seed % 3 === 2 ? RARE : USUAL
}
