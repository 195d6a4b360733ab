import { statSync } from 'node:fs'

import t from 'tap'

import { statMetadata } from '../../src/transfer/metadata.js'

await t.test("the original's stat metadata", t => {
  const { uid, gid, mode } = statSync('/etc/passwd', { bigint: true })
  t.equal(
    statMetadata({ uid, gid, mode }),
    `{"user":"root","gid":0,"group":"root","uid":0,"mode":${mode.toString()}}`,
    'in this order, names by their numbers, mode in decimal with its type',
  )
  t.equal(
    statMetadata({ uid: 4_000_000_000n, gid: 4_000_000_001n, mode: 33_188n }),
    '{"user":"4000000000","gid":4000000001,"group":"4000000001","uid":4000000000,"mode":33188}',
    'numbers where there are no names',
  )
  t.end()
})
