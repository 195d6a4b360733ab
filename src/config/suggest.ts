/** Edits beyond which a word is not near another. */
const MOST_EDITS = 3

/** The number of single-character edits (a swap of neighbours is one) between two words. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1)
      }
      current.push(best)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

function commonPrefix(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

/**
 * The known word that was most likely meant: one that begins or ends with the given word, or with which that
 * begins, else the one with the fewest edits; undefined when nothing is near.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const bare = word.replace(/^-+/, '')
  if (bare.length >= 2) {
    const begins = known.filter(candidate => candidate.replace(/^-+/, '').startsWith(bare))
    if (begins.length === 1) return begins[0]
    const ends = known.filter(candidate => candidate.endsWith(`-${bare}`) || candidate.endsWith(`_${bare}`))
    if (ends.length === 1) return ends[0]
    const longer = known.find(candidate =>
      /^[-_]/.test(word.startsWith(candidate) ? word.slice(candidate.length) : ''),
    )
    if (longer !== undefined) return longer
  }
  const ranked = known
    // A word of another length has as many edits at least, and to count them takes its time over a long one.
    .filter(candidate => Math.abs(candidate.length - word.length) <= MOST_EDITS)
    .map(candidate => ({
      candidate,
      edits: distance(word, candidate),
      prefix: commonPrefix(word, candidate),
    }))
    .filter(
      ({ candidate, edits }) => edits <= MOST_EDITS && edits / Math.max(word.length, candidate.length) < 0.45,
    )
    .sort((a, b) => a.edits - b.edits || b.prefix - a.prefix)
  return ranked[0]?.candidate
}
