/** The median of several runs, and their spread. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly unit: Unit
}

/** `n`: a plain number. Memory is kept in bytes, times in s unless the unit says otherwise. */
export type Unit = 's/GiB' | 's' | 'ms' | 'us' | 'bytes' | '%' | 'n'

export const GIB = 2 ** 30
export const MIB = 2 ** 20

/** @throws RangeError for no values */
export function figure(values: readonly number[], unit: Unit): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1]
  const high = sorted[Math.floor(middle)]
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (low === undefined || high === undefined || min === undefined || max === undefined)
    throw new RangeError('a figure needs a value')
  return { median: (low + high) / 2, min, max, unit }
}

/** How much `value` grows for each unit of `size`. */
export function slope(
  small: { size: number; value: number },
  large: { size: number; value: number },
): number {
  return (large.value - small.value) / (large.size - small.size)
}

/** A number as people read it, in its unit. */
export function show(value: number, unit: Unit): string {
  switch (unit) {
    case 's/GiB':
    case 's':
      return value.toFixed(2)
    case 'ms':
      return value.toFixed(1)
    case 'us':
      return value.toFixed(0)
    case 'bytes':
      return `${(value / MIB).toFixed(0)} MiB`
    case '%':
      return `${value.toFixed(2)} %`
    case 'n':
      return Number.isInteger(value) ? String(value) : value.toFixed(2)
  }
}

/** A median with its spread, where there is one. */
export function showFigure({ median, min, max, unit }: Figure): string {
  const [text, low, high] = [show(median, unit), show(min, unit), show(max, unit)]
  return low === high ? text : `${text} (${bare(low)}–${bare(high)})`
}

/** Without the unit, which the median has already. */
function bare(text: string): string {
  return text.split(' ')[0] ?? text
}
