/** A regular expression cannot be used: why, and where its first fault is. */
export class PatternError extends Error {
  override readonly name = 'PatternError'

  /** @param at index of the offending character; undefined when only the matcher knows */
  constructor(reason: string, at: number | undefined) {
    super(at === undefined ? reason : `${reason} at character ${at + 1}`)
  }
}
