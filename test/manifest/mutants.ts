import type { Newest, Scan } from '../../src/manifest/history.js'

import {
  PerTransaction,
  DurableAndLive,
  SmallestRewrites,
  LateAdditions,
  CrossesEnds,
  PassesUnknown,
  NamesTwice,
  TimeAsItIs,
  GoesBack,
  WaivesRemoved,
  WantsLive,
  FreesNothing,
  OutOfOrder,
} from './broken-choices.js'
import {
  EarlyAfterScan,
  TornScan,
  Explains,
  ForgetsUnexplained,
  ForgetsAtStart,
  ForgetsAtGap,
  IgnoresLostDisk,
  TakesNameForSet,
  SaysNoGap,
  AcceptsStale,
} from './broken-memories.js'
import type { Seen } from './judge.js'
import type { ReferenceHistory } from './reference-history.js'
import type { Weights } from './run-history.js'
import type { MakeRule } from './simulated-daemon.js'

type Mutant = new (newest: Newest | undefined, scan: Scan<Seen>) => ReferenceHistory

/** Every rule of DESIGN's State, broken. */
export const MUTANTS: readonly (readonly [title: string, rule: Mutant, weights?: Weights])[] = [
  ['a state per transaction', PerTransaction],
  ['a state of whatever is live and durable', DurableAndLive],
  ['the smallest m', SmallestRewrites],
  ['rewrites before the additions that came before them', LateAdditions],
  ['additions out of order', OutOfOrder],
  ['additions beyond a truncate', CrossesEnds, { flush: 6, compactNow: 4, truncate: 3 }],
  ['additions beyond a rewrite of sets that nothing is known of', PassesUnknown],
  ['two sets under one path', NamesTwice, { flush: 8, compact: 8, finish: 8, crash: 6 }],
  ['a state after a gap before all of the scan is durable', EarlyAfterScan],
  ['a state between what a scan saw and the commits of that time', TornScan],
  ['a gap that no state tells of', SaysNoGap],
  ['a state that was under way at a gap passes for one after it', AcceptsStale],
  ['sets that vanish are explained', Explains],
  ['the unexplained is forgotten in the next state', ForgetsUnexplained],
  ['the unexplained is forgotten at a start', ForgetsAtStart],
  ['the unexplained is forgotten at a gap', ForgetsAtGap],
  ['a lost disk is explained', IgnoresLostDisk],
  ['a new set passes for the one that vanished from its path', TakesNameForSet],
  ['time goes as the clock does', TimeAsItIs],
  ['moments go backwards', GoesBack, { flush: 6, compact: 4, finish: 4, nothing: 4 }],
  ['sets are waived though they are gone', WaivesRemoved],
  ['sets are denied that a state names later', WantsLive],
  ['sets are never set free', FreesNothing],
]

/** Makes a rule's instances. */
export function making(Rule: Mutant): MakeRule {
  return (newest, scan) => new Rule(newest, scan)
}
