import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { COMPONENTS, TABLE } from '../restore/support.js'
import { UNIT, at, state, write } from '../restore/states.js'

import { DATA, SlurpWorld, T1, run, tree } from '../support/slurp.js'

const world = await SlurpWorld.start(t)
const { bucket, flags, client } = world.bucket

for (const set of ['nb-1-big', 'nb-2-big']) {
  for (const component of COMPONENTS)
    await world.put(`node3:${TABLE}/${set}-${component}`, `content of ${set}-${component}`)
}
await write(
  client,
  'node3',
  state(at(1), ['nb-1-big']),
  state(at(2), ['nb-1-big', 'nb-2-big'], { unprotected: [`${TABLE}/nb-3-big`] }),
)

const snap = (...args: string[]) => run('tablesnap', [...flags, ...args])

await t.test('--list-nodes', async t => {
  const text = await snap('--list-nodes', bucket)
  t.equal(text.code, 0, text.log)
  t.equal(text.stdout, 'node3\nnode1\n')
  const json = await run('tableslurp', [...flags, '--list-nodes', '--log-format', 'json', bucket])
  t.equal(json.code, 0, json.log)
  t.equal(json.stdout, '{"name":"node3"}\n{"name":"node1"}\n')
  const nothing = await snap('--list-nodes', '--prefix', 'none/', bucket)
  t.same([nothing.code, nothing.stdout], [0, ''])
})

await t.test('--list of states, as text and as JSON lines', async t => {
  const text = await snap('-n', 'node3', '--list', bucket)
  t.equal(text.code, 0, text.log)
  const lines = text.stdout.split('\n')
  t.equal(lines[0], `ks1.t1 (${UNIT})`)
  t.match(lines[1], /^ {2}2026-11-23T04:02:00\.000Z {2}partial +2 SSTables +\d+ B {2}1 missing$/)
  t.match(lines[2], /^ {2}2026-11-23T04:01:00\.000Z {2}complete +1 SSTable +\d+ B$/)
  t.match(
    lines[3],
    /^ {2}to mend the newest one, run where it was backed up: tablesnap -n node3 .*-B \S+ \/.*\/t1-\w+$/,
  )
  t.equal(lines.length, 5)
  const limited = await snap('-n', 'node3', '--list', '--limit', '1', bucket)
  t.match(
    limited.stdout.split('\n')[2],
    /^ {2}and 1 more, back to 2026-11-23T04:01:00.000Z; of all 1 complete, 1 partial \(--limit all/,
  )
  t.equal((await snap('-n', 'node3', '--list', '--limit', '0', bucket)).code, 2)
  const json = await snap(
    '-n',
    'node3',
    '-D',
    '--list',
    '--at',
    '2026-11-23T04:01:30Z',
    '--log-format',
    'json',
    bucket,
  )
  t.equal(json.code, 0, json.log)
  t.match(JSON.parse(json.stdout), {
    time: '2026-11-23T04:01:00.000Z',
    source: 'state',
    status: 'complete',
    keyspace: 'ks1',
    table: 't1',
    unit: UNIT,
    sets: 1,
    key: /^\.tablesnap\/node3\/states\/.*\.json\.gz$/,
  })
})

await t.test('--list of a bucket of the Python program: each time of it restores by --at', async t => {
  const { code, stdout, log } = await world.slurp([
    '--list',
    '--log-format',
    'json',
    '-n',
    'node1',
    bucket,
    T1,
  ])
  t.equal(code, 0, log)
  const moments = stdout
    .trim()
    .split('\n')
    .map(
      line => JSON.parse(line) as { time: string; sets: number; bytes: number; status: string; key: string },
    )
  t.ok(moments.length >= 3, stdout)
  for (const { time, sets, status, key } of moments) {
    for (const moment of [time, key]) {
      const target = world.target()
      const done = await world.slurp(['-n', 'node1', '--at', moment, bucket, T1, target])
      t.equal(done.code, status === 'complete' ? 0 : 1, done.log)
      const found = Object.keys(tree(target)).filter(path => path.endsWith('-Data.db'))
      t.equal(found.length, sets, `${moment}: ${found.join(' ')}`)
    }
  }
  const all = await world.slurp(['--list', '-n', 'node1', bucket])
  t.equal(all.code, 0)
  t.match(all.stdout, new RegExp(`listing of ${DATA}/ks1/t2-`))
  const none = await world.slurp(['--list', '-n', 'node9', bucket])
  t.equal(none.code, 1)
  t.match(none.log, /there is nothing of node9 .*the bucket has node3, node1/)
})

await t.test('-f takes the state with which a file came, --all whatever there is', async t => {
  const target = world.target()
  const first = await world.slurp(['-n', 'node3', '-f', 'nb-1-big-Data.db', bucket, TABLE, target])
  t.equal(first.code, 0, first.log)
  t.same(
    Object.keys(tree(target)),
    COMPONENTS.map(component => `nb-1-big-${component}`),
  )
  const partial = await world.slurp(['-n', 'node3', '-f', 'nb-2-big-Data.db', bucket, TABLE, world.target()])
  t.equal(partial.code, 1, 'no state with it is whole')
  t.match(partial.log, /nb-3-big is not restored: it was not in the bucket/)
  const all = world.target()
  const every = await world.slurp(['-n', 'node3', '--all', bucket, TABLE, all])
  t.equal(every.code, 0, every.log)
  t.equal(Object.keys(tree(all)).length, 16)
  const below = world.target()
  t.equal((await world.slurp(['-n', 'node3', '--all', '-r', bucket, DATA, below])).code, 0)
  t.equal(Object.keys(tree(below)).length, 16)
})

await t.test('-r with maps and filters', async t => {
  const target = world.target()
  const map = ['--map-path', `${DATA}/ks1=/other/ks9`, '--table', 'ks1.t1', '--keyspace', 'none']
  const { code, log } = await world.slurp(['-n', 'node3', '-r', ...map, '--partial', bucket, DATA, target])
  t.equal(code, 0, log)
  const found = Object.keys(tree(target))
  t.equal(found.length, 8)
  t.equal(found[0], `other/ks9/${UNIT.slice(4)}/nb-1-big-CompressionInfo.db`)
})

await t.test('the end of a restore as JSON', async t => {
  const target = world.target()
  const { code, log } = await world.slurp([
    '-n',
    'node3',
    '--at',
    '2026-11-23T04:01:00Z',
    '--log-format',
    'json',
    bucket,
    TABLE,
    target,
  ])
  t.equal(code, 0)
  t.match(JSON.parse(log.trim().split('\n').at(-1) ?? ''), {
    level: 'info',
    name: 'node3',
    target,
    sets: 1,
    files: 8,
    failed: 0,
    missing: 0,
    aborted: false,
    exitCode: 0,
  })
})

/** Runs tablesnap in a terminal of its own. @returns all that it showed */
async function inTerminal(args: readonly string[]): Promise<string> {
  const binary = fileURLToPath(new URL('../../bin/tablesnap.js', import.meta.url))
  const words = ['env', '-u', 'NODE_OPTIONS', process.execPath, binary, ...args]
  const child = spawn('script', ['-qec', words.map(word => `'${word}'`).join(' '), '/dev/null'], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', TABLESNAP_CONF: '/dev/null', TERM: 'xterm' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  await new Promise(resolve => child.on('close', resolve))
  return shown
}

await t.test('a bar on a terminal, and none with --no-progress', async t => {
  const args = [...flags, '-n', 'node3', '-D', '--at', '2026-11-23T04:01:00Z']
  const shown = await inTerminal([...args, bucket, world.target()])
  // `script` gives a terminal of no columns here.
  t.match(shown, /\[[#.]{8,40}\] +\d+% {2}.*\/244 B/)
  t.match(shown, /Restored 1 SSTable, 8 files/)
  const plain = await inTerminal([...args, '--no-progress', bucket, world.target()])
  t.notMatch(plain, /\[[#.]{8,}\]/)
  t.match(plain, /Restored 1 SSTable, 8 files/)
})
