/**
 * Kinds of histories that the rule of c02b973 got wrong. Each one can be mended alone in its port: a violation that goes
 * when one of them is mended, and no other, is of that kind.
 */
export type OldFault =
  /** A flush whose log was missed is put after a later one whose log was seen. */
  | 'order'
  /** The pause between two manifests grows with time in which the process stood still, without a bound. */
  | 'quota'
  /** --take-over does not accept what was lost with a machine. */
  | 'takeover'
  /** The daemon never takes up what a -B beside it uploaded. */
  | 'mend'
  /** A -B without watches misses what changes, and exits 0 without a restore point. */
  | 'nowatches'
  /** --delete-on-backup: an SSTable counts as deleted before the manifest is in the bucket. */
  | 'kept'
  /** Readers order manifests by time alone: a late one of a writer that lost the name wins. */
  | 'epochs'
  /** A table whose directory goes in a gap never has a restore point again. */
  | 'droprm'
  /** One file that does not come to rest holds up all others for ever. */
  | 'restless'
  /** A refused listing makes manifests that say nothing new. */
  | 'listdeny'
  /** Failures of SSTables that are gone stay in the summary. */
  | 'summary'
  /** An unreadable newest manifest of a table that is empty now is never superseded. */
  | 'corrupt'
  /** An SSTable that is gone is a loss before the events that explain it are read. */
  | 'busy'
  /** A flush of a table and of its index are two restore points. */
  | 'index'
  /** The first manifest of a run lacks files that belong to no SSTable. */
  | 'files'

export type Mended = ReadonlySet<OldFault>
