import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { unfaithful } from '../support/unfaithful.js'
import { unfaithfulRun } from '../support/unfaithful-runs.js'

// What each seed does is random; the seeds are not, so that a failure can be run again. unfaithful.long.test.ts has a thousand.
for (let seed = 1; seed <= 4; seed++) {
  await t.test(`answers that cannot be believed, seed ${seed}`, async t => {
    await unfaithfulRun(t, seed)
  })
}

await t.test('without ETags a large file cannot be backed up, and can be restored', async t => {
  const node = await TestNode.create(t, { minPartSize: 1 })
  const table = node.table().set('nb-1-big', { bytes: 20_000_000 })
  const endpoint = await unfaithful(t, node.bucket.server.endpoint, {
    response: (_, given) => delete given.headers['etag'],
  })
  const flags = ['--retries', '1', '--max-upload-size', '5']
  const first = await node.backUp([...flags, '--endpoint-url', endpoint])
  t.equal(first.code, 1)
  t.match(first.log, /ERROR .*nb-1-big-Data.db: UploadPart: .* no ETag/)
  const second = await node.backUp(flags)
  t.equal(second.code, 0, second.log)
  const target = join(node.bucket.directory, 'target')
  const cli = new Cli([...node.bucket.flags, '--endpoint-url', endpoint, '-D', node.bucket.bucket, target])
  t.equal(await cli.exit, 0, cli.stderr)
  for (const path of table.paths()) t.ok(readFileSync(join(target, path)).equals(readFileSync(path)), path)
})
