import type { Client } from '../clients/client.js'
import type { Options } from '../options.js'
import type { Result } from '../result.js'
import type { Progress } from '../series.js'

/** What a scenario works with. */
export interface Context {
  readonly options: Options
  /** Those that were found, without tablesnap and the floor. */
  readonly peers: readonly Client[]
  readonly say: Progress
}

/** Measures one thing. @throws BenchFailure */
export type Scenario = (context: Context) => Promise<Result[]>
