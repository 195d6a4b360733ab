import { setFlagsFromString } from 'node:v8'

import { Backup } from '../backup/backup.js'
import { counted, formatBytes } from '../report/format.js'
import type { Progress } from '../report/progress.js'
import type { Session } from '../session.js'
import { RecentErrors } from '../status/recent-errors.js'
import type { ProgramFacts } from '../status/status.js'
import { StatusViews } from '../status/views.js'

import { onRequest } from './requests.js'
import type { Signals } from './signals.js'
import { buildCommit, packageVersion } from './version.js'

/** Backs up what exists, what comes, or both, until the end or a signal. @returns the exit code */
export async function backup(
  session: Session,
  signals: Signals,
  errors = new RecentErrors(),
  progress?: Progress,
): Promise<number> {
  // A daemon runs for months beside Cassandra. V8 lets its heap grow by a third of what is in use then, not to a multiple of it.
  if (session.config.mode !== 'backup') setFlagsFromString('--heap-growing-percent=33')
  const run = new Backup(session)
  const began = performance.now()
  const views = new StatusViews(session, run.source, errors, programOf(session))
  onRequest('SIGUSR1', () => views.tell())
  views.open(process.env, progress)
  void signals.first.then(() => views.stopping())
  const interrupted = await untilDone(run, session, signals).finally(() => views.close())
  if (interrupted === undefined && !session.config.dryRun)
    session.log.info('-B is done. Unlike the Python tablesnap it does not watch afterwards; -B --watch does')
  tell(run, session, performance.now() - began)
  if (interrupted !== undefined) return interrupted
  return run.failures > 0 || run.summary.unfinished.length > 0 ? 1 : 0
}

/** @returns the exit code that a signal asks for; undefined when a one-shot backup came to its end */
async function untilDone(
  run: Backup,
  { config, log }: Session,
  signals: Signals,
): Promise<number | undefined> {
  void signals.second.then(() => run.abort())
  const started = run.start()
  const early = await Promise.race([started.then(() => undefined), signals.first])
  if (early !== undefined) {
    run.abort()
    await started.catch(() => undefined)
    return early
  }
  const end = config.mode === 'backup' ? run.finish().then(() => undefined) : signals.first
  const code = await Promise.race([end, signals.first, run.fatal]).catch((error: unknown) => {
    run.abort()
    throw error
  })
  if (code === undefined) return undefined
  const drained = await Promise.race([run.drain(config.shutdownTimeout), signals.second.then(() => false)])
  if (!drained) run.abort()
  if (run.pending > 0)
    log.warn(
      `${counted(run.pending, 'SSTable or file is', 'SSTables or files are')} not in the bucket yet; the next tablesnap -B uploads what is missing`,
    )
  return code
}

function tell(run: Backup, { config, log }: Session, milliseconds: number): void {
  const { uploaded, bytes, present, failed, unfinished, written, superseded, restored, lost } = run.summary
  for (const path of written) log.info(`${path} is left out: Cassandra is still writing it`)
  for (const path of unfinished) {
    log.warn(`${path} is incomplete: it is still being written, or files of it are missing`)
  }
  const seconds = (milliseconds / 1000).toFixed(1)
  const more = superseded === 0 ? '' : `, ${superseded} replaced by Cassandra meanwhile`
  const losses = restored + lost.size === 0 ? '' : `; ${lossesOf(restored, lost.size, config.dryRun)}`
  const verb = config.dryRun ? 'Would upload' : 'Uploaded'
  const summary = `${verb} ${counted(uploaded, 'file')} (${formatBytes(bytes)}) in ${seconds} s; ${present} were there already${more}; ${failed.size} failed${losses}`
  log.info(summary, {
    event: 'summary',
    dryRun: config.dryRun,
    seconds: milliseconds / 1000,
    uploaded,
    bytes,
    present,
    superseded,
    failed: failed.size,
    restored,
    lost: lost.size,
  })
}

/** Objects that were no longer in the bucket. */
function lossesOf(restored: number, lost: number, isDryRun: boolean): string {
  const count = restored + lost
  const again = isDryRun ? 'would be uploaded again' : 'uploaded again'
  return `the bucket had lost ${counted(count, 'object')}: ${restored} ${again}, ${lost} lost for good`
}

function programOf({ config, node }: Session): ProgramFacts {
  return {
    version: packageVersion(),
    commit: buildCommit() ?? null,
    pid: process.pid,
    started: new Date(performance.timeOrigin).toISOString(),
    mode: config.mode,
    node: node.name,
    bucket: config.s3.bucket,
    paths: config.paths,
  }
}
