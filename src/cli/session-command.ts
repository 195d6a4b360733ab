import type { LoadedConfig } from '../config/load.js'
import { openSession, type Session } from '../session.js'
import type { Logger } from '../report/logger.js'

import { openLog, type OpenedLog } from './log.js'
import type { Places, Print } from './own-command.js'
import { hideSecrets } from './secrets.js'
import { onSignals, type Running, type Signals } from './signals.js'
import { columnsOfStdout, placesOfProcess, reportError, writeOut, type Program } from './terminal.js'

/** A command that works with one bucket: tableslurp, tablechop or tablecheck. */
export interface SessionCommand<Run extends LoadedConfig> extends Program {
  /** The work that a signal stops. */
  readonly running: Running
  /** Makes a run of the command line, or the text that `--help` and `--version` ask for. @throws UsageError */
  start(argv: readonly string[], places: Places, columns?: number): (Run & { readonly action: 'run' }) | Print
  /** @returns the exit code */
  work(run: Run, session: Session, signals: Signals, log: OpenedLog): Promise<number>
}

/** Runs a command: its settings, log, session and signals. @param argv without node and script @returns the exit code */
export async function runCommand<Run extends LoadedConfig>(
  command: SessionCommand<Run>,
  argv: readonly string[],
): Promise<number> {
  hideSecrets(command.name, argv)
  let log: Logger | undefined
  try {
    const begun = command.start(argv, placesOfProcess(), columnsOfStdout())
    if (begun.action === 'print') {
      writeOut(begun.text)
      return 0
    }
    const opened = openLog(begun.config)
    log = opened.log
    if (begun.source !== undefined) log.info(`Settings from ${begun.source}`)
    for (const warning of begun.warnings) log.warn(warning)
    const session = await openSession(begun.config, log)
    const signals = onSignals(log, command.running)
    try {
      return await command.work(begun, session, signals, opened)
    } finally {
      await session.close()
    }
  } catch (error) {
    return reportError(error, log, command)
  }
}
