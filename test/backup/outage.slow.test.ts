import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { LocalS3 } from '../../dev/local-s3/index.js'
import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

/** Stops a node's server; the function returned starts it again, on the same port and with the same objects. */
async function takeAway(t: Test, node: TestNode): Promise<() => Promise<LocalS3>> {
  const { port } = node.bucket.server
  await node.bucket.server.close()
  return async () => {
    const server = await LocalS3.start({ directory: join(node.bucket.directory, 's3'), port })
    t.teardown(() => server.close())
    return server
  }
}

await t.test('a daemon that starts before its server waits for it, and then backs up', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big')
  const start = await takeAway(t, node)
  const daemon = new Cli(node.args(['-r', '-B', '--watch', '--retries', '0']))
  t.teardown(async () => {
    daemon.kill('SIGKILL')
    await daemon.exit
  })
  await daemon.seen(
    /WARNING The server cannot be reached; tablesnap keeps trying until it answers\. HeadBucket/,
  )
  await start()
  await daemon.seen(/INFO The server answers again, after \d+ s/, 30_000)
  await daemon.seen(/Watching \d+ director/)
  await node.listed(table.path, table.names())
  await node.same(t, table.paths())
})

await t.test('-B and -D outlast a restart of the server', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big')
  const start = await takeAway(t, node)
  const backup = new Cli(node.args(['-r', '-B', '--retries', '0']))
  await backup.seen(/WARNING The server cannot be reached; tablesnap keeps trying for 300 s\./)
  const server = await start()
  t.equal(await backup.exit, 0, backup.stderr)
  await node.same(t, table.paths())
  await server.close()
  const target = join(node.bucket.directory, 'target')
  mkdirSync(target)
  const restore = new Cli(node.args(['-D', '--retries', '0'], [target]))
  await restore.seen(/WARNING The server cannot be reached/)
  await start()
  t.equal(await restore.exit, 0, restore.stderr)
})

await t.test('a one-shot run gives up after --retry-time', async t => {
  const node = await TestNode.create(t)
  node.table('ks/t').set('nb-1-big')
  await takeAway(t, node)
  const began = performance.now()
  const { code, log } = await node.backUp(['--retries', '0', '--retry-time', '2'])
  const seconds = (performance.now() - began) / 1000
  t.equal(code, 1)
  t.match(log, /ERROR HeadBucket: no answer from the server/)
  t.ok(seconds > 2 && seconds < 25, `${seconds} s`)
})
