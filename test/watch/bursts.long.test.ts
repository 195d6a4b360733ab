import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { TestNode } from '../support/node.js'

/** Names of the plain files that are in the bucket. */
async function stored(node: TestNode, directory: string): Promise<Set<string>> {
  const prefix = node.key(`${directory}/`)
  return new Set((await node.keys(prefix)).map(key => key.slice(prefix.length)))
}

/** Waits until so many are there; LIST tells, as the server's log of requests keeps the latest alone. */
async function gathered(node: TestNode, directory: string, wanted: number, timeout: number): Promise<void> {
  const end = performance.now() + timeout
  for (;;) {
    const { size } = await stored(node, directory)
    if (size >= wanted) return
    if (performance.now() > end) throw new Error(`${size} of ${wanted} arrived`)
    await sleep(3_000)
  }
}

await t.test('mkdir and rename into the new directory, 2,000 times: 2,000 uploads', async t => {
  const node = await TestNode.create(t)
  const outside = join(node.bucket.directory, 'outside')
  mkdirSync(outside)
  for (let i = 0; i < 2_000; i++) writeFileSync(join(outside, String(i)), String(i))
  await node.watch(t)
  for (let i = 0; i < 2_000; i++) {
    mkdirSync(join(node.data, `d${i}`))
    renameSync(join(outside, String(i)), join(node.data, `d${i}`, 'file'))
  }
  const keys = Array.from({ length: 2_000 }, (_, i) => node.key(join(node.data, `d${i}`, 'file')))
  await node.arrived(keys, 240_000)
  t.pass('all arrived')
})

await t.test('30,000 renames while the process is stopped: the scan finds every file', async t => {
  const node = await TestNode.create(t)
  const [outside, into] = [join(node.bucket.directory, 'outside'), join(node.data, 'ks/into')]
  mkdirSync(outside)
  mkdirSync(into, { recursive: true })
  for (let i = 0; i < 30_000; i++) writeFileSync(join(outside, `f${i}`), String(i))
  const daemon = await node.watch(t)
  daemon.kill('SIGSTOP')
  await sleep(200)
  for (let i = 0; i < 30_000; i++) renameSync(join(outside, `f${i}`), join(into, `f${i}`))
  daemon.kill('SIGCONT')
  await daemon.seen(/queue overflow/)
  await gathered(node, into, 30_000, 600_000)
  t.equal((await stored(node, into)).size, 30_000)
})

await t.test('200,000 renames in one burst: every file arrives, whatever the queue holds', async t => {
  const node = await TestNode.create(t)
  const [outside, into] = [join(node.bucket.directory, 'outside'), join(node.data, 'ks/into')]
  mkdirSync(outside)
  mkdirSync(into, { recursive: true })
  for (let i = 0; i < 200_000; i++) writeFileSync(join(outside, `f${i}`), String(i))
  await node.watch(t)
  const began = performance.now()
  for (let i = 0; i < 200_000; i++) renameSync(join(outside, `f${i}`), join(into, `f${i}`))
  t.comment(`renamed in ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  await gathered(node, into, 200_000, 1_500_000)
  t.comment(`all there after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  t.equal((await stored(node, into)).size, 200_000)
})
