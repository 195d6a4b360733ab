import { rmSync } from 'node:fs'

import type { Test } from 'tap'

import { KeyLayout } from '../../src/manifest/keys.js'
import { createLogger } from '../../src/report/log.js'
import { chop, type ChopOptions, type ChopResult } from '../../src/retention/chop.js'
import { DeletionRule, type RetentionOptions } from '../../src/retention/deletion-rule.js'
import type { RetentionBucket } from '../../src/retention/ports.js'
import { S3Bucket } from '../../src/retention/s3-bucket.js'
import { ChopScope } from '../../src/retention/scope.js'
import { TestNode } from '../support/node.js'
import type { Table } from '../support/table.js'

/** What tests ask for: all tables, no age, no grace, no limits. */
export const OPTIONS: ChopOptions = {
  scope: new ChopScope('/', true),
  age: 0,
  keep: {},
  grace: 0,
  isDryRun: false,
  maxDeletePercent: 100,
  floor: 1,
  force: false,
  parallel: 2,
}

/** What a run said and did. */
export interface Chopped extends ChopResult {
  /** Keys that were deleted, in the order of their requests. */
  readonly keys: readonly string[]
  /** Keys that Object Lock keeps. */
  readonly locked: readonly string[]
  readonly failures: readonly { readonly key: string; readonly why: string }[]
  /** Keys that go, with whether this run deletes them. */
  readonly going: ReadonlyMap<string, boolean>
}

/** No storage class, and no encryption. */
export const STORAGE = { storageClass: undefined, sse: undefined, kmsKeyId: undefined } as const

/** A node with a clock of its bucket that a test may move on, up to 14 minutes: signatures do not last longer. */
export class ChopNode {
  readonly keys = new KeyLayout('', 'node1', ':')

  private constructor(
    readonly node: TestNode,
    readonly clock: { shift: number },
  ) {}

  static async create(t: Test): Promise<ChopNode> {
    const clock = { shift: 0 }
    const node = await TestNode.create(t, { now: () => Date.now() + clock.shift })
    return new ChopNode(node, clock)
  }

  /** Some seconds pass. */
  pass(ms = 5_000): void {
    this.clock.shift += ms
  }

  /**
   * A table with two restore points: of nb-1-big, which is gone from the disk, and of nb-2-big.
   * @param bytes of the first one's Data.db
   */
  async replacedTable(bytes?: number): Promise<Table> {
    const table = this.node.table()
    table.flush('nb-1-big', bytes === undefined ? {} : { bytes })
    await this.node.backUp()
    this.pass()
    for (const path of table.paths('nb-1-big')) rmSync(path)
    table.flush('nb-2-big')
    await this.node.backUp()
    this.pass()
    return table
  }

  /** Runs tablechop, less its command line. */
  chop(options: Partial<ChopOptions> = {}): Promise<Chopped> {
    const bucket = new S3Bucket(this.node.bucket.client, STORAGE, new AbortController().signal)
    return chopOnce(bucket, this.keys, options)
  }
}

/** Runs tablechop on a bucket. @param records whether the result has all that goes */
export async function chopOnce(
  bucket: RetentionBucket,
  keys: KeyLayout,
  options: Partial<ChopOptions> = {},
  Rule: new (options: RetentionOptions, now: number) => DeletionRule = DeletionRule,
  records = true,
): Promise<Chopped> {
  const deleted: string[] = []
  const failures: { key: string; why: string }[] = []
  const locked: string[] = []
  const going = new Map<string, boolean>()
  const observer = {
    going: ({ key }: { key: string }, isNow: boolean) => {
      if (records) going.set(key, isNow)
    },
    deleted: ({ key }: { key: string }) => void deleted.push(key),
    locked: ({ key }: { key: string }) => void locked.push(key),
    failed: (failed: { key: string; why: string }) => void failures.push(failed),
  }
  const log = createLogger({ format: 'text' }, () => undefined)
  const result = await chop(
    { ...OPTIONS, ...options },
    {
      bucket,
      keys,
      name: 'node1',
      log,
      observer,
      rule: (asked, now) => new Rule(asked, now),
      salt: () => 1,
    },
  )
  return { ...result, keys: deleted, locked, failures, going }
}
