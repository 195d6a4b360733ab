/** Length of the path for which the effort of an expression is reckoned, characters. Paths of SSTables are shorter. */
const PATH_LENGTH = 300

/** How large an expression is, and how many steps a matcher that goes back may take. */
export interface Extent {
  /** States of a matcher that never goes back: a{3} has three. */
  readonly states: number
  /** In how many ways the expression may match from one place. */
  readonly ways: number
  /** Steps of a matcher that goes back, from one place. */
  readonly steps: number
}

/** Steps of the comparison with the text of a group: it is quick, and ends at the first difference. */
const COMPARISON = 10

const ONE: Extent = { states: 1, ways: 1, steps: 1 }
const NOTHING: Extent = { states: 0, ways: 1, steps: 0 }
const NEVER: Extent = { states: 0, ways: 0, steps: 0 }

/** An open group, or the whole: the alternatives before, the sequence so far, and its last piece, which may be repeated yet. */
interface Level {
  others: Extent
  sequence: Extent
  last: Extent
}

/** Reckons the {@link Extent} of an expression while it is read from left to right. */
export class ExtentMeter {
  readonly #levels: Level[] = [{ others: NEVER, sequence: NOTHING, last: NOTHING }]

  /** A single character, class or assertion. */
  piece(): void {
    this.#add(ONE)
  }

  /** A back reference. */
  reference(): void {
    this.#add({ ...ONE, steps: COMPARISON })
  }

  open(): void {
    this.#levels.push({ others: NEVER, sequence: NOTHING, last: NOTHING })
  }

  /** @param isAssertion of a group that looks ahead or behind: it matches in one way at most */
  close(isAssertion: boolean): void {
    const level = this.#levels.pop()
    if (level === undefined) return
    const extent = whole(level)
    this.#add(isAssertion ? { ...extent, ways: 1 } : extent)
  }

  alternative(): void {
    const level = this.#level
    level.others = whole(level)
    level.sequence = NOTHING
    level.last = NOTHING
  }

  /** The last piece may come `low` to `high` times; `high` may be Infinity. */
  repeat(low: number, high: number): void {
    const level = this.#level
    const { states, ways, steps } = level.last
    const most = Math.min(high, Math.max(low, PATH_LENGTH))
    level.last = {
      states: states * Math.max(1, Number.isFinite(high) ? high : low + 1),
      // With one way for each time, the number of times is the choice; otherwise each time multiplies the ways.
      ways: ways <= 1 ? most - low + 1 : ways ** most * 2,
      steps: steps * (ways <= 1 ? Math.max(1, most) : ways ** most),
    }
  }

  /** @returns the extent of all that was read */
  total(): Extent {
    const [level] = this.#levels
    return level === undefined ? NOTHING : whole(level)
  }

  get #level(): Level {
    return this.#levels.at(-1) ?? { others: NEVER, sequence: NOTHING, last: NOTHING }
  }

  #add(extent: Extent): void {
    const level = this.#level
    level.sequence = then(level.sequence, level.last)
    level.last = extent
  }
}

/**
 * Steps over a path of {@link PATH_LENGTH} characters.
 * @param isAnchored whether only its beginning is tried
 */
export function stepsOf({ steps }: Extent, isAnchored: boolean): number {
  return isAnchored ? steps : steps * PATH_LENGTH
}

function then(first: Extent, second: Extent): Extent {
  return {
    states: first.states + second.states,
    ways: first.ways * second.ways,
    steps: first.steps + first.ways * second.steps,
  }
}

function whole({ others, sequence, last }: Level): Extent {
  const { states, ways, steps } = then(sequence, last)
  return { states: others.states + states + 1, ways: others.ways + ways, steps: others.steps + steps + 1 }
}
