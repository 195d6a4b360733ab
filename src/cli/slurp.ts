import { download } from './download.js'
import { list } from './list.js'
import { helpTextOf } from './own-command.js'
import { runCommand, type SessionCommand } from './session-command.js'
import { startSlurp, tableslurp, type SlurpRun } from './slurp-options.js'

const TABLESLURP: SessionCommand<SlurpRun> = {
  name: 'tableslurp',
  help: columns => helpTextOf(tableslurp, columns),
  running: 'restore',
  start: startSlurp,
  work: ({ config, scope, ownership }, session, signals, { progress }) => {
    const work = config.list === undefined ? download : list
    return work(session, signals, TABLESLURP, { scope, ownership, progress })
  },
}

/** Runs tableslurp. @param argv without node and script @returns the exit code */
export function slurp(argv: readonly string[]): Promise<number> {
  return runCommand(TABLESLURP, argv)
}
