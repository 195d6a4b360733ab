import { checkNode, repairNode } from '../check/check.js'
import { exitCodeOf } from '../check/report.js'
import { checkSeparator, readSeparator } from '../manifest/separator.js'
import { counted } from '../report/format.js'
import { printable } from '../report/log.js'
import type { Session } from '../session.js'

import { writeMetrics } from './check-metrics.js'
import { startCheck, tablecheck, type CheckOptions, type CheckRun } from './check-options.js'
import { checkJson, checkLines } from './check-report.js'
import { interruptible } from './download.js'
import { helpTextOf } from './own-command.js'
import { runCommand, type SessionCommand } from './session-command.js'
import { printOut } from './terminal.js'

const TABLECHECK: SessionCommand<CheckRun> = {
  name: 'tablecheck',
  help: columns => helpTextOf(tablecheck, columns),
  running: 'check',
  start: startCheck,
  work: ({ options }, session, signals) =>
    interruptible(session, signals, TABLECHECK, signal => work(session, options, signal)),
}

/** Runs tablecheck. @param argv without node and script @returns the exit code */
export function check(argv: readonly string[]): Promise<number> {
  return runCommand(TABLECHECK, argv)
}

async function work(session: Session, options: CheckOptions, signal: AbortSignal): Promise<number> {
  const { client, config, log } = session
  const { keys, name } = session.node
  checkSeparator(name, await readSeparator(client, keys, signal), config.separator)
  const deps = { ...session, signal }
  if (options.repair) {
    const uploaded = await repairNode(options, deps)
    log.info(`Uploaded ${counted(uploaded, 'object')} again; the report shows what is still wrong`)
  }
  const report = await checkNode(options, deps)
  if (options.prometheus !== undefined) await writeMetrics(options.prometheus, report)
  const text = options.json
    ? checkJson(report)
    : checkLines(report, options.tables)
        .map(line => `${printable(line)}\n`)
        .join('')
  await printOut(text, signal)
  return exitCodeOf(report)
}
