import type { Activity } from './activity.js'
import type { ServerState } from './server-state.js'

/** How a run and the S3 server get on with each other. */
export interface Traffic {
  /** Counts the uploads, and measures their rate. */
  readonly activity: Activity
  /** How the server answers. */
  readonly server: ServerState
}
