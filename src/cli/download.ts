import { setMaxListeners } from 'node:events'

import { TablesnapError } from '../errors.js'
import type { RestoreDeps } from '../restore/deps.js'
import { restore } from '../restore/restore.js'
import type { Session } from '../session.js'

import type { Signals } from './signals.js'
import { reportError, type Program } from './terminal.js'

/** What of a node is restored, to whom it is given, and what tells how far it is; nothing: all of it, to its owners. */
export type What = Pick<RestoreDeps, 'scope' | 'ownership' | 'progress'>

/** Restores until all is done or a signal comes. @returns the exit code */
export function download(
  session: Session,
  signals: Signals,
  program: Program,
  what: What = {},
): Promise<number> {
  return interruptible(session, signals, program, async signal => {
    const summary = await restore(session.config, { ...session, ...what, signal })
    return summary.exitCode
  })
}

/** Works until all is done or a signal comes. @returns the exit code; the signal's where one came */
export async function interruptible(
  { log }: Session,
  signals: Signals,
  program: Program,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const controller = new AbortController()
  // Every request under way listens, and every pause between two.
  setMaxListeners(0, controller.signal)
  let interrupted: number | undefined
  signals.first.then(
    code => {
      interrupted = code
      controller.abort(new TablesnapError({ code: 'ABORTED', message: 'stopped by a signal' }))
    },
    () => undefined,
  )
  try {
    const code = await work(controller.signal)
    return interrupted ?? code
  } catch (error) {
    return interrupted ?? reportError(error, log, program)
  }
}
