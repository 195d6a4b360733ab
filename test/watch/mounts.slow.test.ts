import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import { BucketStates } from '../support/bucket-states.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { Table } from '../support/table.js'

const shell = 'mount -t tmpfs none /mnt'
const canMount = spawnSync('unshare', ['-m', 'sh', '-c', shell]).status === 0
const canLoop = canMount && spawnSync('sh', ['-c', 'command -v mkfs.ext4 && losetup -f']).status === 0
const skip = canMount ? false : 'needs a mount namespace'
const UNIT = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

/** A node and a daemon that see mounts of their own; SSTables are made in a directory beside, and copied. */
async function mountedNode(t: Test) {
  const node = await TestNode.create(t)
  const holder = spawn('unshare', ['-m', 'sleep', 'infinity'], { stdio: 'ignore' })
  t.teardown(() => holder.kill('SIGKILL'))
  await sleep(200)
  const wrapper = ['nsenter', '-t', String(holder.pid), '-m']
  const sh = (script: string) => execFileSync('nsenter', [...wrapper.slice(1), 'sh', '-ec', script])
  const aside = new Table(join(node.bucket.directory, 'aside', UNIT))
  /** As a flush would: Data.db is renamed last. */
  const put = (set: string, into = node.data) => {
    aside.set(set)
    const to = join(into, UNIT)
    sh(`mkdir -p ${to}; cp -a ${aside.path}/${set}-* ${to}/`)
  }
  const daemon = async () => {
    const cli = new Cli(node.args(['-r', '-a', '-B', '--watch']), { wrapper })
    t.teardown(async () => {
      // `nsenter` has become the program.
      cli.kill('SIGKILL')
      await cli.exit
    })
    await cli.seen(/Watching \d+ director/)
    return cli
  }
  const states = new BucketStates(node)
  const sets = async () =>
    [...((await states.newest(UNIT))?.sets.keys() ?? [])].map(path => path.slice(-8)).sort()
  const has = async (...names: string[]) => {
    await until(
      async () => (await sets()).join() === names.join(),
      30_000,
      () => `not ${names.join()}`,
    )
    const problems = (await states.of(UNIT)).filter(({ unexplained }) => unexplained.length > 0)
    if (problems.length > 0) throw new Error('a restore point is unexplained')
  }
  return { node, wrapper, sh, put, daemon, states, has }
}

const OPTIONS = { skip: canLoop ? false : 'needs a loop device' }

await t.test(
  'nothing is concluded from an unmount, and the files come back with the volume',
  OPTIONS,
  async t => {
    const { node, sh, put, daemon, states, has } = await mountedNode(t)
    const image = join(node.bucket.directory, 'image')
    sh(`truncate -s 64M ${image}; mkfs.ext4 -q ${image}; mount -o loop ${image} ${node.data}`)
    put('nb-1-big')
    const cli = await daemon()
    put('nb-2-big')
    await has('nb-1-big', 'nb-2-big')
    const count = (await states.of(UNIT)).length
    sh(`umount ${node.data}`)
    await cli.seen(/ERROR \S+\/data was unmounted.*restore points stay as they are/, 2_500)
    await sleep(4_000)
    t.equal((await states.of(UNIT)).length, count, 'no restore point of the empty mount point')
    sh(`mount -o loop ${image} ${node.data}; rm ${join(node.data, UNIT)}/nb-1-big-*`)
    await cli.seen(/data is mounted again/, 2_500)
    put('nb-3-big')
    await has('nb-2-big', 'nb-3-big')
    t.equal(cli.stderr.match(/ERROR/g)?.length, 1)
    cli.kill('SIGTERM')
    t.equal(await cli.exit, 143)
    sh(`umount ${node.data}`)
  },
)

await t.test('a lazy unmount of which no event tells, and a volume below the path', { skip }, async t => {
  const { node, sh, put, daemon, states, has } = await mountedNode(t)
  const disk = join(node.bucket.directory, 'disk')
  mkdirSync(disk)
  put('nb-1-big', disk)
  sh(`mkdir ${node.data}/ks; mount --bind ${disk}/ks ${node.data}/ks`)
  const cli = await daemon()
  await has('nb-1-big')
  sh(`umount -l ${node.data}/ks`)
  await cli.seen(/ERROR \S+\/data\/ks was unmounted/, 2_500)
  put('nb-2-big', disk)
  await sleep(3_000)
  t.equal((await states.of(UNIT)).length, 1)
  sh(`mount --bind ${disk}/ks ${node.data}/ks`)
  await has('nb-1-big', 'nb-2-big')
})

await t.test('an empty volume in place of the one that was unmounted is a loss', { skip }, async t => {
  const { node, sh, put, daemon, states, has } = await mountedNode(t)
  sh(`mount -t tmpfs none ${node.data}`)
  put('nb-1-big')
  const cli = await daemon()
  await has('nb-1-big')
  sh(`umount ${node.data}`)
  await cli.seen(/was unmounted/, 2_500)
  sh(`mount -t tmpfs none ${node.data}`)
  await cli.seen(/is gone, and no transaction log says why/)
  await until(async () => (await states.newest(UNIT))?.unexplained.length === 1)
  t.pass('no restore point without the SSTable is complete')
})

await t.test('a volume that is mounted over a directory is seen, and so is its end', { skip }, async t => {
  const { node, sh, put, daemon, states } = await mountedNode(t)
  put('nb-1-big')
  const cli = await daemon()
  await until(async () => (await states.newest(UNIT)) !== undefined)
  const other = join(node.bucket.directory, 'other')
  mkdirSync(other)
  sh(`mount --bind ${other} ${node.data}`)
  await cli.seen(/was unmounted, or another file system was mounted over it[\s\S]*mounted again/, 2_500)
  put('nb-7-big')
  await node.arrived([node.key(join(node.data, UNIT, 'nb-7-big-Data.db'))])
  const before = cli.stderr.length
  sh(`umount -l ${node.data}`)
  await until(() => /mounted again/.test(cli.stderr.slice(before)), 5_000)
  put('nb-8-big')
  await node.arrived([node.key(join(node.data, UNIT, 'nb-8-big-Data.db'))])
  rmSync(other, { recursive: true })
})

await t.test('-B gives up when a volume is unmounted under it', OPTIONS, async t => {
  const { node, sh, put, wrapper } = await mountedNode(t)
  sh(`mount -t tmpfs none ${node.data}`)
  put('nb-1-big')
  const cli = new Cli([...node.args(['-r', '-B']), '--settle', '5000'], { wrapper })
  await until(() => node.bucket.server.requests.some(({ operation }) => operation === 'ListObjectsV2'))
  await sleep(500)
  sh(`umount ${node.data}`)
  t.equal(await cli.exit, 1)
  t.match(cli.stderr, /was unmounted/)
})
