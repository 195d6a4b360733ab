/** What a set says of a row: a value, or a tombstone (no value). */
export interface Cell {
  readonly timestamp: number
  readonly value: number | undefined
}

/** By row key. */
export type Cells = ReadonlyMap<string, Cell>

/** The newest cell of every row; of two of one time the tombstone wins, then the larger value. */
export function merge(all: Iterable<Cells>): Map<string, Cell> {
  const merged = new Map<string, Cell>()
  for (const cells of all) {
    for (const [key, cell] of cells) {
      const other = merged.get(key)
      if (other === undefined || isNewer(cell, other)) merged.set(key, cell)
    }
  }
  return merged
}

function isNewer(a: Cell, b: Cell): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp
  return (a.value ?? Infinity) > (b.value ?? Infinity)
}

/** The rows that a reader sees, as text. */
export function read(all: Iterable<Cells>): string {
  return [...merge(all)]
    .filter(([, { value }]) => value !== undefined)
    .map(([key, { value }]) => `${key}=${value ?? ''}`)
    .sort()
    .join(' ')
}
