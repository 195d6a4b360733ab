import { events } from './events.js'
import { idle } from './idle.js'
import { latency } from './latency.js'
import { neighbour } from './neighbour.js'
import { pageCache } from './page-cache.js'
import { restart } from './restart.js'
import { restore } from './restore.js'
import { scaling } from './scaling.js'
import type { Scenario } from './scenario.js'
import { small } from './small.js'
import { uploads, workers } from './upload.js'

/** All scenarios against the null sink, by name. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...uploads,
  workers,
  small,
  restore,
  events,
  restart,
  latency,
  'page-cache': pageCache,
  idle,
  neighbour,
  scaling,
}
