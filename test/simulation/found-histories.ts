import type { Script } from './script.js'

/** A history that a seed found to go wrong, in its shortest form. */
export interface FoundHistory {
  /** What must be. */
  readonly title: string
  readonly script: Partial<Script>
}

/** The histories that seeds found; each went wrong before its fault was mended. */
export const FOUND: readonly FoundHistory[] = [
  {
    title: 'an SSTable over whose first files a copy goes on at the start comes when it is whole',
    script: {
      format: 'sai',
      mode: 'watch',
      salt: 0,
      events: [
        { what: 'copy', after: 0, salt: 0 },
        { what: 'kill', after: 0, salt: 0 },
      ],
    },
  },
  {
    title: 'an SSTable that was there at the start and is overwritten is another one from then on',
    script: {
      existing: 1,
      mode: 'watch',
      salt: 0,
      stepCost: 0,
      events: [
        { what: 'oneShot', after: 0, salt: 25629 },
        { what: 'overwrite', after: 1089, salt: 0 },
        { what: 'unreadableNewest', after: 0, salt: 0 },
      ],
    },
  },
  {
    title: 'an SSTable that was given up and is whole later comes when it is whole',
    script: {
      salt: 0,
      events: [
        { what: 'cutCopy', after: 0, salt: 12291 },
        { what: 'oneShot', after: 0, salt: 0 },
        { what: 'crash', after: 0, salt: 0 },
      ],
    },
  },
  {
    title: 'files that go from a directory without events are not remembered for ever',
    script: {
      existing: 2,
      mode: 'watch',
      pace: 'stopped',
      salt: 15,
      events: [
        { what: 'oneShot', after: 85, salt: 0 },
        { what: 'deleteAndReturn', after: 1, salt: 14 },
        { what: 'takeOver', after: 39, salt: 27176 },
        { what: 'compact', after: 1, salt: 5140 },
        { what: 'noLogDescriptors', after: 4, salt: 14 },
        { what: 'flush', after: 2, salt: 57804 },
        { what: 'deleteAndReturn', after: 19, salt: 65535 },
        { what: 'compact', after: 8597, salt: 31482 },
        { what: 'refused', after: 218, salt: 7 },
        { what: 'compact', after: 30, salt: 15627 },
        { what: 'refresh', after: 1188, salt: 14 },
        { what: 'truncate', after: 63, salt: 65526 },
        { what: 'takeOver', after: 8, salt: 9 },
        { what: 'compact', after: 11987, salt: 46163 },
        { what: 'overflow', after: 1, salt: 30591 },
        { what: 'cutCopy', after: 97, salt: 55156 },
        { what: 'snapshot', after: 5867, salt: 40519 },
        { what: 'unreadableNewest', after: 49, salt: 4 },
        { what: 'truncate', after: 5, salt: 0 },
        { what: 'flush', after: 241, salt: 16502 },
      ],
    },
  },
  {
    title: 'an SSTable under the name of one that a transaction removed before is part of the table',
    script: {
      hasIndex: true,
      existing: 3,
      speed: 0.2,
      salt: 16777196,
      events: [
        { what: 'compact', after: 1364, salt: 10 },
        { what: 'oneShot', after: 3, salt: 0 },
        { what: 'truncate', after: 2, salt: 5 },
        { what: 'crash', after: 2996, salt: 65528 },
        { what: 'overflow', after: 11993, salt: 12097 },
        { what: 'truncate', after: 19, salt: 12027 },
        { what: 'overflow', after: 641, salt: 15570 },
        { what: 'flush', after: 2270, salt: 65527 },
        { what: 'copy', after: 12, salt: 52445 },
        { what: 'flush', after: 7, salt: 6 },
      ],
    },
  },
  {
    title: 'an SSTable whose removal no transaction log tells of any more is part of the table again',
    script: {
      directories: 2,
      existing: 1,
      salt: 0,
      events: [
        { what: 'compact', after: 0, salt: 64186 },
        { what: 'removeDirectory', after: 15, salt: 65535 },
        { what: 'refused', after: 160, salt: 28858 },
        { what: 'flush', after: 248, salt: 5487 },
        { what: 'truncate', after: 8, salt: 65530 },
        { what: 'flush', after: 177, salt: 15 },
        { what: 'freeze', after: 361, salt: 65535 },
        { what: 'flush', after: 1, salt: 2335 },
        { what: 'snapshot', after: 294, salt: 15 },
        { what: 'crash', after: 2, salt: 37668 },
        { what: 'truncate', after: 292, salt: 26209 },
        { what: 'flush', after: 8, salt: 62346 },
      ],
    },
  },
  {
    title: 'the halves of a flush wait for each other after a standstill of the process, too',
    script: {
      hasIndex: true,
      existing: 1,
      pace: 'stopped',
      speed: 5,
      salt: 13940525,
      events: [
        { what: 'compact', after: 9606, salt: 64871 },
        { what: 'snapshot', after: 178, salt: 0 },
        { what: 'flush', after: 10, salt: 1 },
      ],
    },
  },
  {
    title: 'a loss that --take-over accepted stays accepted when its run ended before it wrote a manifest',
    script: {
      existing: 2,
      mode: 'watch',
      salt: 0,
      events: [
        { what: 'flush', after: 0, salt: 0 },
        { what: 'replaceDirectory', after: 244, salt: 1 },
        { what: 'import', after: 1672, salt: 0 },
        { what: 'compact', after: 4129, salt: 0 },
        { what: 'takeOver', after: 2063, salt: 0 },
        { what: 'restless', after: 12, salt: 0 },
        { what: 'oneShot', after: 11959, salt: 0 },
      ],
    },
  },
  {
    title: 'an SSTable that was there at the start and goes between two looks is not remembered for ever',
    script: {
      existing: 2,
      mode: 'watch',
      pace: 'stopped',
      speed: 30,
      salt: 1823,
      events: [
        { what: 'slow', after: 1, salt: 0 },
        { what: 'fair', after: 69, salt: 0 },
        { what: 'spreadCopy', after: 0, salt: 0 },
        { what: 'oneShot', after: 1, salt: 0 },
        { what: 'rewrite', after: 1, salt: 0 },
        { what: 'refresh', after: 26, salt: 0 },
        { what: 'compact', after: 2792, salt: 0 },
      ],
    },
  },
  {
    title: 'the halves of a flush wait for each other after many standstills, too',
    script: {
      hasIndex: true,
      existing: 3,
      pace: 'stopped',
      speed: 5,
      salt: 12027070,
      stepCost: 0.02,
      events: [
        { what: 'flush', after: 9, salt: 0 },
        { what: 'flush', after: 14, salt: 2468 },
        { what: 'spreadCopy', after: 3, salt: 0 },
        { what: 'flush', after: 11, salt: 0 },
        { what: 'flush', after: 5440, salt: 1 },
        { what: 'compact', after: 26, salt: 57037 },
        { what: 'compact', after: 189, salt: 10020 },
        { what: 'repair', after: 18, salt: 0 },
        { what: 'flush', after: 2178, salt: 0 },
        { what: 'truncate', after: 272, salt: 0 },
        { what: 'flush', after: 267, salt: 1 },
      ],
    },
  },
  {
    title:
      'nobody empties the directories of the machine that has taken the place of one whose Cassandra was killed',
    script: {
      existing: 2,
      mode: 'watch',
      pace: 'busy',
      speed: 30,
      salt: 8796668,
      stepCost: 0,
      events: [
        { what: 'flush', after: 2300, salt: 0 },
        { what: 'compact', after: 0, salt: 8625 },
        { what: 'wipe', after: 251, salt: 2 },
        { what: 'replaceMachine', after: 29, salt: 0 },
        { what: 'flush', after: 3, salt: 0 },
        { what: 'compact', after: 6, salt: 0 },
        { what: 'flush', after: 11, salt: 0 },
      ],
    },
  },
  {
    title: 'a file that is deleted while its upload fails does not stay in the summary',
    script: {
      existing: 1,
      pace: 'stopped',
      salt: 3518517,
      events: [
        { what: 'flush', after: 2995, salt: 0 },
        { what: 'refused', after: 8, salt: 0 },
        { what: 'truncate', after: 10, salt: 0 },
        { what: 'flush', after: 2992, salt: 0 },
        { what: 'rewrite', after: 109, salt: 0 },
        { what: 'crash', after: 0, salt: 0 },
      ],
    },
  },
  {
    title: 'nobody orders a manifest that arrives after its writer was killed and the clock has jumped',
    script: {
      directories: 2,
      existing: 3,
      pace: 'busy',
      speed: 0.2,
      salt: 1100194,
      events: [
        { what: 'flush', after: 0, salt: 0 },
        { what: 'slow', after: 2997, salt: 0 },
        { what: 'stream', after: 11, salt: 4 },
        { what: 'truncate', after: 2, salt: 0 },
        { what: 'jump', after: 300, salt: 0 },
        { what: 'flush', after: 3213, salt: 0 },
        { what: 'kill', after: 2334, salt: 3 },
        { what: 'compact', after: 5, salt: 0 },
      ],
    },
  },
  {
    title: 'each of two SSTables of one name in two data directories is gone by the log that removes both',
    script: {
      directories: 2,
      speed: 30,
      stepCost: 0.2,
      events: [
        { what: 'spreadCopy', after: 9, salt: 0 },
        { what: 'cutCopy', after: 12, salt: 8498 },
        { what: 'copy', after: 2130, salt: 52571 },
        { what: 'copy', after: 9738, salt: 40898 },
        { what: 'truncate', after: 22, salt: 0 },
        { what: 'crash', after: 623, salt: 0 },
        { what: 'compact', after: 2466, salt: 52795 },
      ],
    },
  },
  {
    title:
      'an SSTable of the name of one that a compaction removes from another data directory is part of the table',
    script: {
      directories: 2,
      speed: 30,
      events: [
        { what: 'copy', after: 0, salt: 40898 },
        { what: 'crash', after: 3000, salt: 0 },
        { what: 'compact', after: 4000, salt: 2 },
        { what: 'copy', after: 0, salt: 52571 },
      ],
    },
  },
]
