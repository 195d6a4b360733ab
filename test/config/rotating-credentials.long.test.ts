import t from 'tap'

import { backUpWhileKeysChange } from '../support/rotation.js'

for (const first of ['server', 'file'] as const)
  await t.test(`no file fails while keys change every 20 s, ${first} first`, t =>
    backUpWhileKeysChange(t, 20_000, 90, first),
  )
