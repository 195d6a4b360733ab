import type { Point } from './restore-points.js'

/** To which moments a table can be restored. Times are ms since 1970. */
export interface Moments {
  /** Restore points of any kind. */
  readonly points: number
  /** Those that are complete, and of which the bucket has all. */
  readonly restorable: number
  /** Of any kind. */
  readonly newest: number | undefined
  readonly newestRestorable: number | undefined
  readonly oldestRestorable: number | undefined
  /** The longest time between two restorable moments that follow each other. */
  readonly longestGap: { readonly ms: number; readonly from: number; readonly to: number } | undefined
}

/** @param isWhole whether the bucket has all that a restore point names */
export function momentsOf(points: readonly Point[], isWhole: (point: Point) => boolean): Moments {
  const times = points
    .filter(point => point.kind === 'complete' && isWhole(point))
    .map(({ time }) => time)
    .sort((a, b) => a - b)
  let longestGap: Moments['longestGap']
  for (let index = 1; index < times.length; index++) {
    const [from = 0, to = 0] = [times[index - 1], times[index]]
    if (longestGap === undefined || to - from > longestGap.ms) longestGap = { ms: to - from, from, to }
  }
  return {
    points: points.length,
    restorable: times.length,
    newest: points[0]?.time,
    newestRestorable: times.at(-1),
    oldestRestorable: times[0],
    longestGap,
  }
}
