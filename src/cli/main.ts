import { lowerPriority } from 'tablesnap-io'

import { errorMessage } from '../errors.js'
import { RecentErrors } from '../status/recent-errors.js'
import type { Logger } from '../report/logger.js'

import { helpText, start } from './options.js'
import { openLog } from './log.js'
import { onSignals } from './signals.js'
import { columnsOfStdout, placesOfProcess, reportError, writeOut, type Program } from './terminal.js'

/** Beside a Cassandra at 0 it leaves us a tenth of a busy processor: enough to keep up, too little to be felt. */
const NICE = 10

const TABLESNAP: Program = { name: 'tablesnap', help: helpText }

/** Runs tablesnap. @param argv without node and script @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  let log: Logger | undefined
  try {
    const begun = start(argv, placesOfProcess(), columnsOfStdout())
    if (begun.action === 'print') {
      writeOut(begun.text)
      return 0
    }
    const { config, warnings, source } = begun
    if (config.checkConfig !== undefined) {
      const { checkConfig } = await import('./check-config.js')
      return await checkConfig(begun)
    }
    const opened = openLog(config)
    const errors = new RecentErrors()
    log = errors.listenTo(opened.log)
    if (source !== undefined && config.status === undefined) log.info(`Settings from ${source}`)
    for (const warning of warnings) log.warn(warning)
    if (config.status !== undefined) {
      const { showStatus } = await import('./status.js')
      return await showStatus(config, config.status, log)
    }
    const restoring = config.mode === 'download'
    // Before the worker threads, which inherit it. Cassandra does not run while its files are restored.
    if (!restoring) letOthersFirst(log)
    const { openSession } = await import('../session.js')
    const session = await openSession(config, log)
    const signals = onSignals(log, restoring ? 'restore' : 'uploads')
    try {
      if (restoring) {
        if (config.list !== undefined) {
          const { list } = await import('./list.js')
          return await list(session, signals, TABLESNAP)
        }
        const { download } = await import('./download.js')
        return await download(session, signals, TABLESNAP, { progress: opened.progress })
      }
      const { backup } = await import('./backup.js')
      return await backup(session, signals, errors, opened.progress)
    } finally {
      await session.close()
    }
  } catch (error) {
    return reportError(error, log, TABLESNAP)
  }
}

function letOthersFirst(log: Logger): void {
  try {
    lowerPriority(NICE)
  } catch (error) {
    log.warn(`cannot lower the priority of this process: ${errorMessage(error)}`)
  }
}
