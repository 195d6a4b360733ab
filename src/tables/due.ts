/** How often it is tried again to decide what is due, ms. */
const PAUSE = 250

/** When something is to be decided next, ms of the monotonic clock. @param times when each of what waits is due; at least one */
export function firstOf(times: readonly number[], now: number): number {
  const first = times.reduce((a, b) => Math.min(a, b))
  // A decision that is due and was not taken waits for something else as well.
  return first > now ? first : now + PAUSE
}
