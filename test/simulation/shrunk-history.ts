import type { Event, Script } from './script.js'

/** A history that once went wrong, by its script: what happens, and how many ms after what came before. */
export interface ShrunkHistory {
  /** What must be. */
  readonly title: string
  readonly script?: Partial<Script>
  /** The first of the orders that are tried; by default 0. */
  readonly firstOrder?: number
  /** What happens, after how many ms, and the seed of what is left to chance in it. */
  readonly events: readonly (readonly [Event['what'], number, number])[]
}
