import type { Logger } from '../report/logger.js'
import { openSession } from '../session.js'

import { download } from './download.js'
import { list } from './list.js'
import { openLog } from './log.js'
import { hideSecrets } from './secrets.js'
import { onSignals } from './signals.js'
import { slurpHelp, startSlurp } from './slurp-options.js'
import { placesOfProcess, reportError, writeOut, type Program } from './terminal.js'

const TABLESLURP: Program = { name: 'tableslurp', help: slurpHelp }

/** Runs tableslurp. @param argv without node and script @returns the exit code */
export async function slurp(argv: readonly string[]): Promise<number> {
  hideSecrets('tableslurp', argv)
  let log: Logger | undefined
  try {
    const begun = startSlurp(argv, placesOfProcess(), process.stdout.columns)
    if (begun.action === 'print') {
      writeOut(begun.text)
      return 0
    }
    const { config, warnings, source, scope, ownership } = begun
    const opened = openLog(config)
    log = opened.log
    if (source !== undefined) log.info(`Settings from ${source}`)
    for (const warning of warnings) log.warn(warning)
    const session = await openSession(config, log)
    const signals = onSignals(log, 'restore')
    try {
      const work = config.list === undefined ? download : list
      return await work(session, signals, TABLESLURP, { scope, ownership, progress: opened.progress })
    } finally {
      await session.close()
    }
  } catch (error) {
    return reportError(error, log, TABLESLURP)
  }
}
