import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { Test } from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import type { StateSet } from '../../src/manifest/state.js'

import { at, entry, state, write } from './states.js'
import { COMPONENTS, TABLE, World, digest } from './support.js'

/** Whom the files belonged to. */
const OWNER = 12345

/** A table's SSTables in the bucket, and others of it on the disk. */
interface Scene {
  readonly world: World
  /** Where the restore goes; does not exist at first. */
  readonly target: string
  /** What the moment has, as {@link World.tree} shows it. */
  readonly moment: Readonly<Record<string, string>>
  /** Files that come in ranges. */
  readonly large: ReadonlySet<string>
  /** What `--replace` is to move aside. */
  readonly foreign: Readonly<Record<string, string>>
}

export interface KillOptions {
  readonly kills: number
  readonly sets: number
  /** SSTables that are there and that the moment does not have. */
  readonly foreign: number
  /** Of every answer with a file, ms. */
  readonly delay: number
}

/** How one run ended, and what it fetched. */
interface Ran {
  readonly code: number | string
  readonly log: string
  readonly fetched: readonly string[]
}

/**
 * Kills one restore again and again, each time at another random moment, by the clock and by its steps in turn, looks
 * at the target each time, and lets it go on at the end.
 */
export async function killAgainAndAgain(t: Test, options: KillOptions): Promise<void> {
  const scene = await stageOf(t, options)
  const { moment, large, foreign, target } = scene
  const ends = { planning: 0, staging: 0, placing: 0, done: 0 }
  const fetched: string[] = []
  for (let kill = 0; kill < options.kills; kill++) {
    const there = new Set(Object.keys(treeOf(scene)))
    const placed = wholeSets(scene)
    const ran = await run(
      scene,
      kill % 2 === 1 ? { ms: randomInt(200, 1600) } : { step: randomInt(1, 60), after: randomInt(2) === 1 },
    )
    if (ran.code === 'SIGKILL') {
      const moved = wholeSets(scene) > placed
      ends[moved ? 'placing' : ran.fetched.length > 0 ? 'staging' : 'planning']++
    } else {
      ends.done++
      t.equal(ran.code, 0, ran.log.slice(-2000))
    }
    t.same(wrong(scene), [], `after kill ${kill + 1} (${ran.code})`)
    const again = ran.fetched.filter(path => there.has(path))
    t.same(again, [], 'nothing that is there is fetched')
    fetched.push(...ran.fetched)
  }
  const there = new Set(Object.keys(treeOf(scene)))
  const last = await run(scene, {})
  t.equal(last.code, 0, last.log.slice(-2000))
  const lacking = Object.keys(moment).filter(path => !there.has(path))
  const strange = last.fetched.filter(path => !lacking.includes(path))
  t.same(strange, [], 'the last run fetches nothing but what is missing')
  // What came of a large file before a kill may be all of it.
  const kept = lacking.filter(path => !last.fetched.includes(path) && !large.has(path))
  t.same(kept, [], 'and all of it')
  const found = treeOf(scene)
  const aside = Object.keys(found).filter(path => /^\/\.tablesnap-replaced-/.test(path))
  const rest = Object.fromEntries(Object.entries(found).filter(([path]) => !aside.includes(path)))
  t.same(rest, moment, 'all of it is right, and nothing else is there')
  t.notOk(existsSync(join(target, '.tablesnap-restore')), 'nothing is left of the staging')
  const moved = Object.fromEntries(aside.map(path => [path.replace(/^\/[^/]*/, ''), found[path]]))
  t.same(moved, foreign, 'what was moved aside is all there')
  if (process.getuid?.() === 0) t.same(strangers(scene), [], 'what it made has the owner of the files')
  const none = await run(scene, {})
  t.match(none, { code: 0, fetched: [] }, 'and then there is nothing to do')
  const files = Object.keys(moment).length
  t.comment(`${JSON.stringify(ends)}; ${fetched.length + last.fetched.length} GETs for ${files} files`)
}

/** A bucket with a state, and a target. */
async function stageOf(t: Test, options: KillOptions): Promise<Scene> {
  const world = await World.start(t)
  const target = join(world.directory, 'made', 'by', 'restore')
  const stat = JSON.stringify({ uid: OWNER, gid: OWNER, mode: 0o100640 })
  const moment: Record<string, string> = {}
  const large = new Set<string>()
  const sets = new Map<string, StateSet>()
  for (let generation = 1; generation <= options.sets; generation++) {
    const components = new Map<string, ReturnType<typeof entry>>()
    for (const component of COMPONENTS) {
      const isLarge = component === 'Data.db' && generation % 4 === 0
      const body = randomBytes(isLarge ? 20_000_000 : randomInt(1, 5000))
      const path = `${TABLE}/nb-${generation}-big-${component}`
      if (isLarge) large.add(path)
      await world.put(`node1:${path}`, body, { metadata: { stat } })
      components.set(component, entry(body))
      moment[path] = digest(body)
    }
    sets.set(`${TABLE}/nb-${generation}-big`, { components, corrupt: false, kept: false })
  }
  await write(world.client, 'node1', state(at(1), [], { sets }))
  const foreign: Record<string, string> = {}
  for (let generation = 1001; generation <= 1000 + options.foreign; generation++) {
    for (const component of COMPONENTS) {
      const path = `${TABLE}/nb-${generation}-big-${component}`
      const body = randomBytes(100)
      mkdirSync(dirname(join(target, path)), { recursive: true })
      writeFileSync(join(target, path), body)
      foreign[path] = digest(body)
    }
  }
  world.server.faults.add({
    on: 'GetObject',
    key: /^node1:/,
    count: Infinity,
    fault: faults.delay(options.delay),
  })
  return { world, target, moment, large, foreign }
}

/** Runs the program; it is killed after so many ms, or at a step. */
async function run(
  { world, target }: Scene,
  { ms, step, after = false }: { ms?: number; step?: number; after?: boolean },
): Promise<Ran> {
  world.server.requests.length = 0
  const program = fileURLToPath(new URL('../../bin/tablesnap.js', import.meta.url))
  const killer = new URL('killer.js', import.meta.url).href
  const flags = [
    '-k',
    'testkey',
    '-s',
    'testsecret',
    '--endpoint-url',
    world.endpoint,
    '-n',
    'node1',
    '-t',
    '1',
  ]
  const child = spawn(
    '/usr/bin/env',
    [
      ...['-u', 'NODE_OPTIONS', process.execPath],
      ...(step === undefined ? [] : ['--import', killer]),
      ...[program, ...flags, '-D', '--replace', 'bucket', target],
    ],
    {
      cwd: '/',
      env: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        TABLESNAP_CONF: '/dev/null',
        KILL_AT_STEP: String(step),
        KILL_AFTER: after ? '1' : '0',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const ended = new Promise<number | string>(resolve => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  if (ms !== undefined) await Promise.race([ended, sleep(ms).then(() => child.kill('SIGKILL'))])
  const code = await ended
  // Answers to the dead are still under way, and no others are asked for.
  const fetched = world.server.requests
    .filter(({ operation, key }) => operation === 'GetObject' && key.startsWith('node1:'))
    .map(({ key }) => key.slice('node1:'.length))
  return { code, log, fetched: [...new Set(fetched)] }
}

/** What may not be: a file of other content, a Data.db without all others of its set, and one of ours that is nowhere. */
function wrong(scene: Scene): string[] {
  const { moment, foreign } = scene
  const all = Object.entries(treeOf(scene))
  const aside = new Set(
    all
      .filter(([path]) => path.startsWith('/.tablesnap-replaced-'))
      .map(([path]) => path.replace(/^\/[^/]*/, '')),
  )
  const found = new Map(all.filter(([path]) => !path.startsWith('/.tablesnap-')))
  const problems: string[] = []
  for (const [path, content] of found)
    if ((moment[path] ?? foreign[path]) !== content) problems.push(`${path} is none of the moment, or wrong`)
  for (const path of found.keys()) {
    if (!path.endsWith('-Data.db')) continue
    const lacks = COMPONENTS.filter(component => !found.has(path.replace('Data.db', component)))
    if (lacks.length > 0) problems.push(`${path} is there without ${lacks.join(', ')}`)
  }
  for (const path of Object.keys(foreign))
    if (!found.has(path) && !aside.has(path)) problems.push(`${path} is lost`)
  return problems
}

function wholeSets(scene: Scene): number {
  return Object.keys(treeOf(scene)).filter(path => path.endsWith('-Data.db') && path in scene.moment).length
}

function treeOf({ world, target }: Scene): Record<string, string> {
  return existsSync(target) ? world.tree(target) : {}
}

/** Directories that a restore made and nobody was given. */
function strangers({ target, foreign }: Scene): string[] {
  if (Object.keys(foreign).length > 0) return []
  const paths: string[] = []
  for (let path = join(target, TABLE); path.length >= dirname(dirname(target)).length; path = dirname(path))
    paths.push(path)
  return paths.filter(path => statSync(path).uid !== OWNER)
}
