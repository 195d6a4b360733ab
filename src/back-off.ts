/** How pauses between attempts grow: bounds, both in ms. */
export interface BackOff {
  /** The first pause; each further one is twice as long. */
  readonly base: number
  /** The longest pause. */
  readonly cap: number
}

/** The pause after so many failures in a row (1: the first one), ms. */
export function pauseAfter(failures: number, { base, cap }: BackOff): number {
  return Math.min(cap, base * 2 ** (failures - 1))
}
