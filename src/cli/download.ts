import { setMaxListeners } from 'node:events'

import { TablesnapError } from '../errors.js'
import type { RestoreDeps } from '../restore/deps.js'
import { restore } from '../restore/restore.js'
import type { Session } from '../session.js'

import type { Signals } from './signals.js'
import { reportError, type Program } from './terminal.js'

/**
 * Restores until all is done or a signal comes.
 * @param what of the node is restored, and to whom it is given; nothing: all of it, to its owners
 * @returns the exit code
 */
export async function download(
  session: Session,
  signals: Signals,
  program: Program,
  what: Pick<RestoreDeps, 'scope' | 'ownership'> = {},
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
  const { config, log } = session
  try {
    const summary = await restore(config, { ...session, ...what, signal: controller.signal })
    return interrupted ?? summary.exitCode
  } catch (error) {
    return interrupted ?? reportError(error, log, program)
  }
}
