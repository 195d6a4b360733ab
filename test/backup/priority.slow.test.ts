import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { Cli } from '../support/cli.js'
import { TestNode, gate, until } from '../support/node.js'

/** I/O class and nice value of every thread of a process. */
function prioritiesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map(thread => {
    // proc(5): the name, which may hold blanks, ends with the last bracket; nice is the 19th field.
    const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const [ioClass = ''] = execFileSync('ionice', ['-p', thread], { encoding: 'utf8' }).trim().split(':')
    return `${ioClass} ${fields[19 - 3]}`
  })
}

const idle = (nice: number) => (threads: string[]) => threads.every(thread => thread === `idle ${nice}`)

await t.test('a backup lets everybody else go first, with every thread', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  const held = gate()
  node.bucket.server.faults.add({
    key: /nb-/,
    on: 'PutObject',
    count: Infinity,
    fault: faults.delay(held.opened),
  })
  const cli = await node.watch(t)
  const pid = cli.child.pid ?? 0
  const before = prioritiesOf(pid)
  t.ok(before.length > 5 && idle(10)(before), before.join())
  table.flush('nb-1-big')
  table.flush('nb-2-big')
  await until(() =>
    node.bucket.server.requests.some(
      ({ operation, key }) => operation === 'PutObject' && key.includes('nb-'),
    ),
  )
  const during = prioritiesOf(pid)
  t.ok(during.length > before.length, 'with its workers')
  t.ok(idle(10)(during), during.join())
  held.open()
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
})

await t.test('who asked for less yet keeps it, and a restore does not wait', async t => {
  const node = await TestNode.create(t)
  node.table('t').set('nb-1-big')
  const { server } = node.bucket
  const held = gate()
  server.faults.add({ key: /nb-/, on: 'PutObject', count: Infinity, fault: faults.delay(held.opened) })
  const nicer = new Cli(node.args(['-r', '-B']), { nice: 15 })
  await until(() =>
    server.requests.some(({ operation, key }) => operation === 'PutObject' && key.includes('nb-')),
  )
  const threads = prioritiesOf(nicer.child.pid ?? 0)
  t.ok(idle(15)(threads), threads.join())
  held.open()
  t.equal(await nicer.exit, 0, nicer.stderr)

  const answered = gate()
  server.faults.clear()
  server.requests.length = 0
  server.faults.add({ on: 'GetObject', count: Infinity, fault: faults.delay(answered.opened) })
  const restore = new Cli(node.args(['-D'], [`${node.bucket.directory}/target`]))
  await until(() => server.requests.some(({ operation }) => operation === 'GetObject'))
  const normal = prioritiesOf(restore.child.pid ?? 0)
  const [own] = prioritiesOf(process.pid)
  t.ok(normal.length > 5 && normal.every(thread => thread === own), normal.join())
  answered.open()
  t.equal(await restore.exit, 0, restore.stderr)
})
