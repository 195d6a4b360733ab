import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Test } from 'tap'
import { crc64nvme } from 'tablesnap-io'

import type { State } from '../../src/manifest/state.js'
import { hex64 } from '../../src/s3/checksum.js'
import { Random } from '../manifest/random.js'

import { BucketStates, entriesOf } from './bucket-states.js'
import type { OpenBucket } from './bucket.js'
import { runWithin } from './node.js'
import { Table, TxnLog } from './table.js'

/** In each round so many objects are deleted, or replaced by others, between two runs of -B. */
export const DELETIONS = 10

/** SSTables of a table beyond which some are compacted. */
const SSTABLES = 4

/** A node whose tables change at random. */
class RandomNode {
  readonly tables: readonly Table[]
  #generation = 0

  constructor(
    readonly data: string,
    readonly random: Random,
  ) {
    this.tables = ['0a', '0b', '0c'].map(id => new Table(join(data, `ks/t${id}-${id.repeat(16)}`)))
    for (const table of this.tables) this.#flush(table)
  }

  change(): void {
    for (const table of this.random.some(this.tables)) {
      const kind = this.random.weighted({ flush: 3, rewrite: 3, snapshot: 1, compact: 2 })
      const sstables = this.#sstables(table)
      const sstable = this.random.pick(sstables)
      if (kind === 'flush' || sstable === undefined) this.#flush(table)
      else if (kind === 'rewrite') table.replace(`${sstable}-Statistics.db`, randomBytes(100))
      else if (kind === 'snapshot') this.#snapshot(table)
      if (kind === 'compact' || sstables.length > SSTABLES) this.#compact(table)
    }
  }

  #sstables(table: Table): string[] {
    return table
      .names()
      .filter(name => name.endsWith('-Data.db'))
      .map(name => name.slice(0, -'-Data.db'.length))
  }

  #flush(table: Table): void {
    table.flush(`nb-${++this.#generation}-big`)
  }

  #compact(table: Table): void {
    const inputs = this.random.some(this.#sstables(table))
    const output = `nb-${++this.#generation}-big`
    const log = new TxnLog(table.path, 'compaction').add(output)
    table.write(output)
    for (const input of inputs) log.remove(input)
    log.commit()
    for (const input of inputs) table.delete(input)
    log.end()
  }

  #snapshot(table: Table): void {
    const path = join(table.path, 'snapshots', `s${++this.#generation}`)
    mkdirSync(path, { recursive: true })
    for (const name of table.names()) linkSync(join(table.path, name), join(path, name))
  }
}

/** Which random choices are made, and how often. */
export interface Choices {
  readonly seed: number
  readonly rounds: number
}

/**
 * Deletes random objects between two runs of -B, round after round: what is on the disk is whole again, everything else is named.
 * @param data the directory that is backed up
 */
export async function randomDeletions(
  t: Test,
  bucket: OpenBucket,
  data: string,
  { seed, rounds }: Choices,
): Promise<void> {
  const random = new Random(seed)
  const states = new BucketStates({ bucket })
  const world = new RandomNode(data, random)
  const backUp = () =>
    runWithin([
      ...bucket.flags,
      '--settle',
      '100',
      '-r',
      '-B',
      '-t',
      '1',
      '--include-snapshots',
      bucket.bucket,
      data,
    ])
  const lost = new Set<string>()
  let repaired = 0
  let versions = 0
  for (let round = 0; round < rounds; round++) {
    const where = `round ${round}, SEED=${seed}`
    world.change()
    const before = await backUp()
    t.equal(before.code, 0, `${where}: ${before.code === 0 ? '' : before.log}`)
    if (random.chance(0.8)) world.change()
    const named = namesOf(await newestOf(states))
    const deleted = random.some([...named.keys()], DELETIONS).slice(0, DELETIONS)
    const gone = deleted.filter(key => !isOnDisk(named.get(key) ?? []))
    for (const key of deleted)
      await (random.chance(0.2) ? bucket.put(key, randomBytes(50)) : bucket.delete(key))
    const { code, log } = await backUp()
    t.equal(code, gone.length > 0 ? 1 : 0, `${where}: ${gone.length} of ${deleted.length} are lost`)
    for (const key of gone) {
      lost.add(key)
      if (!isTold(log, key)) t.fail(`${where}: ${key} is not named: ${log}`)
    }
    repaired += deleted.length - gone.length
    versions += deleted.filter(key => key.startsWith('.tablesnap/')).length
    const summary = new RegExp(
      `the bucket had lost ${deleted.length} objects: ${deleted.length - gone.length} uploaded again, ${gone.length} lost for good`,
    )
    t.match(log, summary, where)
    await check(t, states, lost, where)
  }
  t.comment(
    `${versions} of them versions of a rewritten file; ${repaired} were uploaded again, ${lost.size} were lost, SEED=${seed}`,
  )
  t.ok(repaired > lost.size)
  t.ok(versions > 0)
}

/** All restore points that there ever were name objects that hold what they say, but for those that are lost. */
async function check(t: Test, states: BucketStates, lost: ReadonlySet<string>, where: string): Promise<void> {
  const problems = await states.problems(await states.all())
  t.same(
    problems.filter(problem => ![...lost].some(key => problem.startsWith(`${key}: `))),
    [],
    where,
  )
  const newest = await states.problems(await newestOf(states))
  t.same(newest, [], `${where}: the newest restore points are whole`)
}

async function newestOf(states: BucketStates): Promise<State[]> {
  const newest = new Map((await states.all()).map(state => [state.unit, state]))
  return [...newest.values()]
}

/** The files and checksums of the objects that states name, by key. */
function namesOf(states: readonly State[]): Map<string, { path: string; crc64: string | undefined }[]> {
  const names = new Map<string, { path: string; crc64: string | undefined }[]>()
  for (const state of states)
    for (const [path, { key = `node1:${path}`, crc64 }] of entriesOf(state))
      names.set(key, [...(names.get(key) ?? []), { path, crc64 }])
  return names
}

function isOnDisk(names: readonly { path: string; crc64: string | undefined }[]): boolean {
  return names.some(({ path, crc64 }) => {
    try {
      return hex64(crc64nvme(readFileSync(path))) === crc64
    } catch {
      return false
    }
  })
}

/** Whether a log names a key: components of one SSTable are told as `…-{Data.db,Index.db}`. */
function isTold(log: string, key: string): boolean {
  const [, stem = '', component = ''] = /^(.*-)([^-]+)$/.exec(key) ?? []
  return log.split('\n').some(line => {
    if (!line.includes(' has lost ')) return false
    if (line.includes(`${key}:`) || line.includes(`${key},`)) return true
    const [, components = ''] = line.split(`${stem}{`)
    return components.split('}')[0]?.split(',').includes(component) === true
  })
}
