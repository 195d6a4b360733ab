import type { Figure } from './figure.js'

/** What was measured of one client. */
export interface Row {
  readonly client: string
  /** How it was run: `defaults`, `at our concurrency`, … */
  readonly variant: string
  /** By their headings, in the order in which they are shown; the first is what the chart shows. */
  readonly figures: Readonly<Record<string, Figure>>
}

/** Whether a bound that the project set itself holds. */
export interface Verdict {
  readonly what: string
  readonly value: number
  readonly bound: number
  /** How to show them. */
  readonly unit: Figure['unit'] | 'ratio'
  readonly holds: boolean
}

/** How a figure changes with something else, to be drawn. */
export interface Curve {
  /** What grows to the right, and to the top. */
  readonly x: string
  readonly y: string
  /** From the left to the right. */
  readonly points: readonly { readonly x: number; readonly y: Figure }[]
}

/** What a scenario found. */
export interface Result {
  readonly scenario: string
  /** In words, with sizes. */
  readonly title: string
  readonly rows: readonly Row[]
  /** Drawn in place of the rows. */
  readonly curve?: Curve
  readonly verdicts: readonly Verdict[]
  /** What a reader has to know besides, such as peers that are missing or failed. */
  readonly notes: readonly string[]
}

/** The heading of the figure that ratios are taken of. */
export const CPU = 'CPU'
