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

/** Histories that went wrong by chance, as short as they can be: each depends on the order of steps that are less than 1 ms apart. */
export const SHRUNK_HISTORIES: readonly ShrunkHistory[] = [
  {
    title: 'an SSTable that is renamed file by file around a truncate is no part of the table after it',
    script: { existing: 1, pace: 'stopped' },
    events: [
      ['refresh', 1, 56325],
      ['fair', 1807, 0],
      ['truncate', 1068, 0],
      ['flush', 0, 0],
    ],
  },
  {
    title:
      "an SSTable that takes another's place file by file is whole only once its own Statistics.db is there",
    script: { speed: 5 },
    events: [
      ['flush', 0, 18057],
      ['lossy', 5867, 1825],
      ['flush', 6881, 50395],
      ['jump', 165, 17615],
      ['flush', 2861, 8124],
      ['overwrite', 0, 19989],
      ['refresh', 8, 63132],
    ],
  },
  {
    title: 'SSTables that were deleted before a drop are not unexplained after it',
    script: { pace: 'starved' },
    events: [
      ['flush', 0, 0],
      ['removeDirectory', 560, 0],
      ['flush', 2252, 0],
      ['delete', 3165, 0],
      ['drop', 4, 440],
      ['flush', 0, 0],
    ],
  },
  {
    title:
      'an SSTable that goes while nobody but the placement looks at it is forgotten, and a -B beside it ends',
    firstOrder: 100,
    script: { existing: 3, pace: 'stopped' },
    events: [
      ['wipe', 0, 0],
      ['cutCopy', 282, 124],
      ['refresh', 1, 0],
      ['oneShot', 0, 0],
      ['flush', 27, 0],
    ],
  },
  {
    title: 'an SSTable that goes while it is judged by the newest manifest is forgotten',
    script: { directories: 2, existing: 2, mode: 'watch', pace: 'stopped', speed: 5 },
    events: [
      ['compact', 100, 0],
      ['flush', 23, 0],
      ['compact', 8, 41892],
      ['import', 79, 3332],
      ['overflow', 222, 11787],
      ['kill', 6941, 61561],
      ['flush', 4, 2394],
      ['flush', 5989, 47241],
      ['freeze', 31, 5563],
      ['kill', 1046, 864],
      ['compact', 2595, 62904],
      ['snapshot', 20, 13979],
      ['flush', 1471, 44231],
      ['fair', 276, 7114],
      ['lossy', 2975, 16729],
    ],
  },
  {
    title: 'a -B that learns late what the bucket holds never writes an older restore point as the newest',
    script: { existing: 2 },
    events: [
      ['slow', 0, 0],
      ['flush', 0, 0],
      ['oneShot', 0, 0],
      ['flush', 1710, 0],
      ['flush', 9, 34985],
      ['flush', 84, 16110],
      ['flush', 234, 65524],
      ['crash', 18, 10497],
      ['kill', 12, 65265],
      ['failing', 0, 8391],
    ],
  },
  {
    title: 'a -B that a daemon tells of a truncate marks nothing as unexplained',
    script: { existing: 2, mode: 'watch' },
    events: [
      ['flush', 8, 26793],
      ['snapshot', 293, 12881],
      ['replaceDirectory', 232, 45831],
      ['compact', 295, 9],
      ['flush', 13, 65535],
      ['flush', 19, 64008],
      ['rewrite', 1, 45114],
      ['freeze', 129, 1],
      ['flush', 4257, 26382],
      ['flush', 10, 14],
      ['oneShot', 5, 65531],
      ['freeze', 1, 2],
      ['slow', 1, 6],
      ['compact', 1213, 13],
      ['flush', 25, 9],
      ['stream', 2050, 6],
      ['deleteAndReturn', 11989, 52264],
      ['truncate', 1, 4],
      ['flush', 169, 16158],
    ],
  },
  {
    title: 'an SSTable that was incomplete at the start of a run that judges none is no loss when it goes',
    script: { mode: 'watch' },
    events: [
      ['cutCopy', 0, 0],
      ['kill', 3000, 0],
      ['replaceDirectory', 5000, 0],
    ],
  },
  {
    title: 'a table that has changed and changed back outranks what a slow run beside saw in between',
    events: [
      ['flush', 0, 0],
      ['oneShot', 1011, 8585],
      ['drop', 17, 23681],
      ['flush', 260, 64822],
      ['slow', 26, 12520],
      ['truncate', 1910, 62301],
    ],
  },
  {
    title: 'a -B whose restore point lacks an SSTable that has gone since does not say that all is backed up',
    script: { existing: 2, mode: 'watch', pace: 'stopped', speed: 30 },
    events: [
      ['slow', 1, 0],
      ['fair', 69, 0],
      ['spreadCopy', 0, 0],
      ['oneShot', 1, 0],
      ['rewrite', 1, 0],
      ['refresh', 26, 41388],
      ['compact', 2792, 59457],
      ['rewrite', 2550, 24730],
    ],
  },
  {
    title: 'an SSTable whose late events make it known again has gone by the log that removes it',
    firstOrder: 130,
    script: { existing: 2, pace: 'stopped', speed: 30 },
    events: [
      ['oneShot', 7640, 0],
      ['rewrite', 281, 12],
      ['flush', 30, 0],
      ['compact', 6, 0],
    ],
  },
]
