import { checkNode, repairNode } from '../check/check.js'
import { exitCodeOf } from '../check/report.js'
import { printable } from '../report/log.js'
import type { Logger } from '../report/logger.js'
import { openSession, type Session } from '../session.js'
import { checkSeparator, readSeparator } from '../state/separator.js'

import { writeMetrics } from './check-metrics.js'
import { checkHelp, startCheck, type CheckOptions } from './check-options.js'
import { checkJson, checkLines } from './check-report.js'
import { interruptible } from './download.js'
import { openLog } from './log.js'
import { hideSecrets } from './secrets.js'
import { onSignals } from './signals.js'
import {
  columnsOfStdout,
  placesOfProcess,
  printOut,
  reportError,
  writeOut,
  type Program,
} from './terminal.js'

const TABLECHECK: Program = { name: 'tablecheck', help: checkHelp }

/** Runs tablecheck. @param argv without node and script @returns the exit code */
export async function check(argv: readonly string[]): Promise<number> {
  hideSecrets('tablecheck', argv)
  let log: Logger | undefined
  try {
    const begun = startCheck(argv, placesOfProcess(), columnsOfStdout())
    if (begun.action === 'print') {
      writeOut(begun.text)
      return 0
    }
    log = openLog(begun.config).log
    if (begun.source !== undefined) log.info(`Settings from ${begun.source}`)
    for (const warning of begun.warnings) log.warn(warning)
    const session = await openSession(begun.config, log)
    const signals = onSignals(log, 'check')
    try {
      return await interruptible(session, signals, TABLECHECK, signal => work(session, begun.options, signal))
    } finally {
      await session.close()
    }
  } catch (error) {
    return reportError(error, log, TABLECHECK)
  }
}

async function work(session: Session, options: CheckOptions, signal: AbortSignal): Promise<number> {
  const { client, config, keys, log, name } = session
  checkSeparator(name, await readSeparator(client, keys, signal), config.separator)
  const deps = { ...session, signal }
  if (options.repair) {
    const uploaded = await repairNode(options, deps)
    log.info(`Uploaded ${uploaded} ${uploaded === 1 ? 'object' : 'objects'} again; what is left is told now`)
  }
  const report = await checkNode(options, deps)
  if (options.prometheus !== undefined) await writeMetrics(options.prometheus, report)
  const text = options.json
    ? checkJson(report)
    : checkLines(report)
        .map(line => `${printable(line)}\n`)
        .join('')
  await printOut(text, signal)
  return exitCodeOf(report)
}
