import { show } from './figure.js'
import { CPU, type Row, type Verdict } from './result.js'

/** A bound on tablesnap's CPU, as a multiple of another client's. */
export interface RatioBound {
  readonly over: string
  readonly bound: number
}

/**
 * tablesnap (with its defaults) over each other client, in CPU; of a peer's variants the better one counts. A client that was
 * not measured has no verdict.
 */
export function ratios(rows: readonly Row[], bounds: readonly RatioBound[]): Verdict[] {
  const ours = rows.find(row => row.client === 'tablesnap')?.figures[CPU]
  if (ours === undefined) return []
  return bounds.flatMap(({ over, bound }) => {
    const theirs = rows
      .filter(row => row.client === over)
      .flatMap(row => row.figures[CPU]?.median ?? [])
      .sort((a, b) => a - b)[0]
    if (theirs === undefined || theirs <= 0) return []
    const value = ours.median / theirs
    return [{ what: `tablesnap / ${over}`, value, bound, unit: 'ratio' as const, holds: value <= bound }]
  })
}

/** A bound on a figure itself. */
export function atMost(what: string, value: number, bound: number, unit: Verdict['unit']): Verdict {
  return { what, value, bound, unit, holds: value <= bound }
}

/** A value or bound as people read it. */
export function showBound(value: number, unit: Verdict['unit']): string {
  return unit === 'ratio' ? `${value.toFixed(2)} ×` : show(value, unit)
}
