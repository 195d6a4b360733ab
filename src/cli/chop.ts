import { randomInt } from 'node:crypto'

import { formatDuration } from '../config/duration.js'
import { checkSeparator, readSeparator } from '../manifest/separator.js'
import { counted } from '../report/format.js'
import { printable } from '../report/log.js'
import type { Logger } from '../report/logger.js'
import { chop as runChop, type ChopDeps, type ChopOptions, type ChopResult } from '../retention/chop.js'
import { DeletionRule } from '../retention/deletion-rule.js'
import { S3Bucket } from '../retention/s3-bucket.js'
import { abandonedUploads } from '../retention/unfinished.js'
import type { ListedObject } from '../s3/list.js'
import type { Session } from '../session.js'

import { startChop, tablechop, type ChopRun } from './chop-options.js'
import { chopLines } from './chop-report.js'
import { interruptible } from './download.js'
import { helpTextOf } from './own-command.js'
import { runCommand, type SessionCommand } from './session-command.js'
import { printOut } from './terminal.js'

const TABLECHOP: SessionCommand<ChopRun> = {
  name: 'tablechop',
  help: columns => helpTextOf(tablechop, columns),
  running: 'retention',
  start: startChop,
  work: (run, session, signals) =>
    interruptible(session, signals, TABLECHOP, signal => work(session, run, signal)),
}

/** Between two lines that say how long is left, ms. */
const PROGRESS = 60_000

/** Lines about single keys that stay, without -l; those beyond them are counted. */
const MOST_LINES = 1_000

/** Runs tablechop. @param argv without node and script @returns the exit code */
export function chop(argv: readonly string[]): Promise<number> {
  return runCommand(TABLECHOP, argv)
}

async function work(
  session: Session,
  { options, isNow, lists }: ChopRun,
  signal: AbortSignal,
): Promise<number> {
  const { client, config, log } = session
  const { keys, name } = session.node
  checkSeparator(name, await readSeparator(client, keys, signal), config.separator)
  const bucket = new S3Bucket(client, config.object, signal)
  const observer = new LogObserver(log, lists)
  const deps: ChopDeps = {
    bucket,
    keys,
    name,
    log,
    observer,
    rule: (asked, now) => new DeletionRule(asked, now),
    salt: () => randomInt(65_536),
  }
  let result = await runChop(options, deps)
  // A plan of a run before that is too young yet is carried out first; after it comes this run's own one.
  let plans = !isNow ? 0 : result.ripeAt === undefined ? 1 : 2
  for (; plans > 0 && result.planned !== 0; plans--) {
    if (result.deleted.objects > 0)
      log.info(`Deleted ${counted(result.deleted.objects, 'object')} that the plan before named`)
    await waitFor(bucket, result.ripeAt ?? bucket.now() + options.grace, log)
    result = await runChop(options, deps)
  }
  const aborted = await abortUploads(deps, options)
  const lines = chopLines(result, options)
  if (aborted > 0)
    lines.push(
      `${counted(aborted, 'multipart upload')} that nobody goes on with ${options.isDryRun ? 'would be ended' : 'ended'}`,
    )
  await printOut(lines.map(line => `${printable(line)}\n`).join(''), signal)
  return conclude(result, observer.failures, log)
}

/** Waits for the grace of a plan, and says now and then how long is left. */
async function waitFor(bucket: S3Bucket, until: number, log: Logger): Promise<void> {
  for (let left = until - bucket.now(); left > 0; left = until - bucket.now()) {
    log.info(`tablechop carries out the plan in ${formatDuration(Math.max(left, 1000))}`)
    await bucket.sleep(Math.min(left, PROGRESS) + 1)
  }
}

/** @returns how many unfinished uploads were ended, or would be */
async function abortUploads({ bucket, keys, log, rule }: ChopDeps, options: ChopOptions): Promise<number> {
  let aborted = 0
  try {
    for await (const upload of abandonedUploads(bucket, keys, rule(options, bucket.now()))) {
      aborted++
      if (options.isDryRun) continue
      await bucket.abort(upload)
      log.info(`Aborted a multipart upload of ${upload.key} that was never completed`, { key: upload.key })
    }
  } catch (error) {
    log.warn(
      `Unfinished multipart uploads stay in the bucket: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  return aborted
}

function conclude({ units, planned, ripeAt }: ChopResult, failed: number, log: Logger): number {
  const refused = units.filter(({ refusal }) => refusal !== undefined)
  for (const { unit, refusal } of refused)
    log.error(`${unit}: tablechop deleted nothing of it: ${refusal ?? ''}`)
  if (failed > 0) log.error(`${counted(failed, 'object')} could not be deleted`)
  if (planned !== undefined) log.debug(`${counted(planned, 'object is', 'objects are')} in the plan`)
  if (ripeAt !== undefined) log.debug(`the plan can be carried out from ${new Date(ripeAt).toISOString()}`)
  return failed > 0 || refused.length > 0 ? 1 : 0
}

/** Says what is deleted, and what could not be. */
class LogObserver {
  failures = 0
  #lines = 0
  readonly #log: Logger
  readonly #lists: boolean

  constructor(log: Logger, lists: boolean) {
    this.#log = log
    this.#lists = lists
  }

  going({ key, size }: ListedObject, isNow: boolean): void {
    if (this.#lists && !isNow) this.#log.info(`To be deleted later: ${key}`, { key, bytes: size })
  }

  deleted({ key, size }: { readonly key: string; readonly size: number }, isHidden: boolean): void {
    if (!this.#lists) return
    this.#log.info(`Deleted ${key}${isHidden ? ', which stays as an old version' : ''}`, { key, bytes: size })
  }

  locked({ key }: { readonly key: string }, until: number): void {
    const end =
      until === Infinity ? 'until somebody ends its legal hold' : `until ${new Date(until).toISOString()}`
    if (this.#isNamed()) this.#log.warn(`${key} stays: Object Lock keeps it ${end}`, { key })
  }

  failed({ key, why }: { readonly key: string; readonly why: string }): void {
    this.failures++
    if (this.#isNamed()) this.#log.error(`${key} could not be deleted: ${why}`, { key })
  }

  /** Whether to name one more key: a server that refuses everything has one reason, which a thousand lines show. */
  #isNamed(): boolean {
    this.#lines++
    if (this.#lines === MOST_LINES + 1 && !this.#lists)
      this.#log.warn(`More than ${counted(MOST_LINES, 'object')} stay: -l names each of them`)
    return this.#lines <= MOST_LINES || this.#lists
  }
}
