import { rmSync } from 'node:fs'

import type { Test } from 'tap'

import type { Finding } from '../../src/check/finding.js'
import { KeyLayout } from '../../src/state/keys.js'
import { run, type Ran } from '../e2e-slurp/support.js'
import { TestNode } from '../support/node.js'
import type { Table } from '../support/table.js'

/** What a run of tablecheck told. */
export interface Checked extends Ran {
  readonly findings: readonly Finding[]
  /** `severity kind`, in the order of the report. */
  readonly kinds: readonly string[]
  readonly units: readonly Readonly<Record<string, unknown>>[]
}

/** A node with a backup that is as it should be: two restore points of one table, one of another. */
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

  get table(): Table {
    return this.node.table()
  }

  /** Backs up two restore points of the table: nb-1-big is gone from the disk and from the second one. */
  async healthy(): Promise<this> {
    const { node, table } = this
    const other = node.table('ks/u-11112222333344445555666677778888')
    table.flush('nb-1-big').flush('nb-2-big')
    other.flush('nb-1-big')
    await node.backUp()
    this.pass()
    for (const path of table.paths('nb-1-big')) rmSync(path)
    table.flush('nb-3-big')
    await node.backUp()
    this.pass()
    return this
  }

  /** The key of a component of the table. */
  key(name: string): string {
    return this.node.key(`${this.table.path}/${name}`)
  }

  /** Runs the command. */
  async check(flags: readonly string[] = [], path?: string): Promise<Checked> {
    const { bucket } = this.node
    const ran = await run('tablecheck', [
      ...bucket.flags,
      '--retries',
      '0',
      ...flags,
      '--json',
      bucket.bucket,
      ...(path === undefined ? [] : [path]),
    ])
    const report = (ran.stdout === '' ? {} : JSON.parse(ran.stdout)) as {
      findings?: Finding[]
      units?: Readonly<Record<string, unknown>>[]
    }
    const findings = report.findings ?? []
    const kinds = findings.map(({ severity, kind }) => `${severity} ${kind}`)
    return { ...ran, findings, kinds, units: report.units ?? [] }
  }
}
