import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'

import type { Test } from 'tap'

import type { Finding } from '../../src/check/finding.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import type { State } from '../../src/manifest/state.js'
import { States } from '../../src/manifest/states.js'
import { run, type Ran } from '../support/slurp.js'
import { TestNode } from '../support/node.js'
import type { Table } from '../support/table.js'

/** What a run of tablecheck told. */
export interface Checked extends Ran {
  readonly findings: readonly Finding[]
  /** `table severity kind`, sorted. */
  readonly kinds: readonly string[]
  readonly units: readonly Readonly<Record<string, unknown>>[]
}

/** A node with tables, its backup in the embedded server, and the command. */
export class CheckWorld {
  readonly keys = new KeyLayout('', 'node1', ':')
  #shift: number

  private constructor(
    readonly node: TestNode,
    readonly clock: { shift: number },
  ) {
    this.#shift = clock.shift
  }

  static async create(t: Test): Promise<CheckWorld> {
    const clock = { shift: 0 }
    const node = await TestNode.create(t, { now: () => Date.now() + clock.shift })
    return new CheckWorld(node, clock)
  }

  /** Some seconds pass by the server's clock. */
  pass(ms = 5_000): void {
    this.#shift += ms
    this.clock.shift = this.#shift
  }

  /** A table of the node, by a name of its own. */
  table(name: string): Table {
    return this.node.table(this.unit(name))
  }

  /** The unit of a table. */
  unit(name: string): string {
    return `ks/${name}-${createHash('md5').update(name).digest('hex')}`
  }

  /**
   * Backs up two restore points of each table: nb-1-big is gone from the disk and from the second one, nb-2-big is in both, and
   * nb-3-big in the second one.
   */
  async healthy(
    names: readonly string[],
    between: () => Promise<void> = () => Promise.resolve(),
  ): Promise<this> {
    for (const name of names) this.table(name).flush('nb-1-big').flush('nb-2-big')
    await this.node.backUp()
    await between()
    this.pass()
    for (const name of names) {
      const table = this.table(name)
      for (const path of table.paths('nb-1-big')) rmSync(path)
      table.flush('nb-3-big')
    }
    await this.node.backUp()
    this.pass()
    return this
  }

  /** The key of a file of a table. */
  key(table: string, file: string): string {
    return this.node.key(`${this.table(table).path}/${file}`)
  }

  /** Writes a manifest of a table that is made of its newest one. */
  async manifest(
    table: string,
    change: Partial<State>,
    isDelta = false,
  ): Promise<{ key: string; base: string }> {
    const { client } = this.node.bucket
    const states = new States(client, this.keys)
    const newest = await states.newest(this.unit(table))
    if (newest === undefined) throw new Error(`${table} has no manifest`)
    const state = await states.read(newest.key)
    const settings = { storageClass: undefined, sse: undefined, kmsKeyId: undefined }
    const delta = isDelta ? { base: newest.key, removed: [], totals: undefined } : undefined
    const time = state.time + 1000
    const { key } = await states.write({ state: { ...state, time, ...change }, delta }, settings)
    return { key, base: newest.key }
  }

  /** Runs the command. */
  run(flags: readonly string[], path?: string): Promise<Ran> {
    const { bucket } = this.node
    const positionals = [bucket.bucket, ...(path === undefined ? [] : [path])]
    return run('tablecheck', [...bucket.flags, '--retries', '0', ...flags, ...positionals])
  }

  /** Runs the command, and reads its JSON. */
  async check(flags: readonly string[] = [], path?: string): Promise<Checked> {
    const ran = await this.run([...flags, '--json'], path)
    const report = (ran.stdout === '' ? {} : JSON.parse(ran.stdout)) as {
      findings?: Finding[]
      units?: Readonly<Record<string, unknown>>[]
    }
    const findings = report.findings ?? []
    const kinds = findings.map(({ unit, severity, kind }) => `${tableOf(unit)} ${severity} ${kind}`).sort()
    return { ...ran, findings, kinds, units: report.units ?? [] }
  }
}

/** The name of a table, or `-`. */
function tableOf(unit = ''): string {
  return /^ks\/(.*)-[0-9a-f]{32}$/.exec(unit)?.[1] ?? (unit === '' ? '-' : 'directory')
}
