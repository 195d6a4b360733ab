import { AuditReport } from '../backup/audit-report.js'
import { ObjectAudit } from '../backup/object-audit.js'
import { ObjectRepair } from '../backup/object-repair.js'
import { BackupSummary } from '../backup/summary.js'
import type { Config } from '../config/config.js'
import type { BucketNode } from '../node/bucket-node.js'
import type { Fence } from '../node/fence.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import { PartUploads } from '../transfer/part-uploads.js'
import type { Engine } from '../transfer/pool/engine.js'

import type { UnitSurvey } from './unit-check.js'

/** The parts that repairs work with. */
export interface RepairsDeps {
  readonly config: Config
  readonly client: S3Client
  readonly engine: Engine
  readonly node: Pick<BucketNode, 'keys'>
  readonly log: Logger
  readonly signal: AbortSignal
}

/**
 * Uploads again, from this machine's disk, what the bucket has lost of restore points: the audit of a `-B` does it, for all restore
 * points of a table instead of its newest one.
 */
export class Repairs {
  readonly #audit: ObjectAudit
  readonly #fence: Fence
  readonly #summary = new BackupSummary()
  #claimed: Promise<void> | undefined

  /** @param fence is claimed before the first upload, and closed with the repairs */
  constructor(deps: RepairsDeps, fence: Fence) {
    const { client, config, engine, log, signal } = deps
    const { keys } = deps.node
    const parts = new PartUploads(config, client, engine)
    this.#fence = fence
    const problems = {
      problem: (_: string, message: string) => log.error(message),
      solved: () => undefined,
    }
    this.#audit = new ObjectAudit({
      client,
      keys,
      repair: new ObjectRepair({ config, engine, keys, log, parts, signal }),
      report: new AuditReport(this.#summary, problems, log, false),
      ownership: this.#fence,
      signal,
    })
  }

  /** Objects that were uploaded again. */
  get uploaded(): number {
    return this.#summary.restored
  }

  /** @throws S3Error; TablesnapError `FENCED` where another machine writes under the name */
  async take({ damage, names }: UnitSurvey): Promise<void> {
    const { missing, other } = damage.counts
    if (missing + other === 0) return
    await (this.#claimed ??= this.#fence.claim())
    // Other content of the same size shows by HEAD alone: each object counts as too young, so that it is asked for.
    const since = other > 0 ? { time: -Infinity, grace: 0 } : undefined
    for (const state of names.all()) await this.#audit.run([{ state, since }], () => false)
  }

  close(): void {
    this.#fence.close()
  }
}
