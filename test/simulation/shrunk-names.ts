import type { ShrunkHistory } from './shrunk-history.js'

/** Histories in which an SSTable was named when it should not be, or was not when it should, as short as they can be. */
export const SHRUNK_NAMES: readonly ShrunkHistory[] = [
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
    title:
      'an SSTable that was whole when it was scanned, and whose files go one by one, was part of the table until then',
    firstOrder: 11,
    script: {
      format: 'trie',
      directories: 1,
      hasIndex: false,
      includesCopies: false,
      existing: 1,
      mode: 'all',
      pace: 'stopped',
      speed: 1,
      stepCost: 2,
    },
    events: [
      ['compact', 5, 11],
      ['cutCopy', 0, 1],
      ['replaceDirectory', 2218, 0],
      ['stream', 2618, 3],
      ['lossy', 11993, 0],
      ['repair', 3472, 5618],
      ['kill', 24, 5225],
      ['compact', 7, 0],
      ['failing', 0, 0],
      ['restore', 11127, 0],
    ],
  },
  {
    title: 'an SSTable whose Data.db is overwritten before it has a place is named once it is uploaded anew',
    firstOrder: 16777213,
    script: {
      format: 'trie',
      directories: 1,
      hasIndex: false,
      includesCopies: false,
      existing: 0,
      mode: 'all',
      pace: 'busy',
      speed: 5,
      stepCost: 2,
    },
    events: [
      ['flush', 298, 0],
      ['oneShot', 293, 3],
      ['flush', 6, 0],
      ['overwrite', 1373, 0],
      ['flush', 30, 0],
    ],
  },
]
