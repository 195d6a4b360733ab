import { isRestorable, type State, type StateSet, type Totals } from './state.js'

/** The kinds of restore points: complete; partial: some files were not in the bucket; unexplained: SSTables vanished without a known reason. */
export type ManifestKind = 'complete' | 'partial' | 'unexplained'

/**
 * What the key of a manifest says of it, beside its unit and time. A LIST is then enough to choose a restore point; the
 * body repeats all of it, and a body that says otherwise is corrupt.
 */
export interface ManifestFacts extends Totals {
  /** The writer's epoch, as in node.json. */
  readonly epoch: number
  readonly kind: ManifestKind
  /** Whether commits before it may be unknown. */
  readonly gap: boolean
  /** Time of the full manifest that a delta builds on, ms since 1970; undefined: this one is full. */
  readonly base: number | undefined
}

/** The letters that keys have for the kinds. */
const LETTERS = { complete: 'c', partial: 'p', unexplained: 'u' } as const satisfies Record<
  ManifestKind,
  string
>

const KINDS: ReadonlyMap<string, ManifestKind> = new Map([
  [LETTERS.complete, 'complete'],
  [LETTERS.partial, 'partial'],
  [LETTERS.unexplained, 'unexplained'],
])

const FACTS = /^e(\d{1,15})-([cpu])(g?)-(f|d\d{1,13})-(\d{1,15})-(\d{1,15})-(\d{1,16})$/

/** The kind of a state. One that is both partial and unexplained is unexplained: only that one never mends by itself. */
export function kindOf(state: Pick<State, 'unprotected' | 'unexplained'>): ManifestKind {
  if (isRestorable(state)) return 'complete'
  return state.unexplained.length > 0 ? 'unexplained' : 'partial'
}

/** The facts as a key has them: `e1-cg-d1795406227843-12-3-104857600`. */
export function formatFacts({ epoch, kind, gap, base, sets, files, bytes }: ManifestFacts): string {
  const form = base === undefined ? 'f' : `d${base}`
  return `e${epoch}-${LETTERS[kind]}${gap ? 'g' : ''}-${form}-${sets}-${files}-${bytes}`
}

/** Reads what {@link formatFacts} wrote; undefined where it is something else. */
export function parseFacts(text: string): ManifestFacts | undefined {
  const [, epoch, letter, gap, form, sets, files, bytes] = FACTS.exec(text) ?? []
  const kind = KINDS.get(letter ?? '')
  if (kind === undefined || form === undefined) return undefined
  return {
    epoch: Number(epoch),
    kind,
    gap: gap === 'g',
    base: form === 'f' ? undefined : Number(form.slice(1)),
    sets: Number(sets),
    files: Number(files),
    bytes: Number(bytes),
  }
}

/** Bytes of SSTables: the same objects come again in every later state of a table, and 100,000 take a while to add up. */
const known = new WeakMap<StateSet, number>()

/** Bytes of all components of an SSTable. */
export function bytesOf(set: StateSet): number {
  let bytes = known.get(set)
  if (bytes === undefined) {
    bytes = 0
    for (const { size } of set.components.values()) bytes += size
    known.set(set, bytes)
  }
  return bytes
}

/** How much a whole state names. */
export function totalsOf({ sets, files }: Pick<State, 'sets' | 'files'>): Totals {
  let bytes = 0
  for (const set of sets.values()) bytes += bytesOf(set)
  for (const { size } of files.values()) bytes += size
  return { sets: sets.size, files: files.size, bytes }
}

/** The facts of a state. @param base time of the full manifest, where the state is written as a delta of it */
export function factsOf(state: State, totals: Totals, base: number | undefined): ManifestFacts {
  const { epoch, gap } = state
  return { epoch, kind: kindOf(state), gap, base, ...totals }
}

/** The difference between a key and its body, as a phrase; undefined if they agree. */
export function contradiction(key: ManifestFacts, body: ManifestFacts): string | undefined {
  for (const name of ['epoch', 'kind', 'gap', 'base', 'sets', 'files', 'bytes'] as const) {
    if (key[name] !== body[name])
      return `its key says ${name} ${String(key[name])}, and it says ${String(body[name])}`
  }
  return undefined
}
