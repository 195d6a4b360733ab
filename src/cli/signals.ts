import type { Logger } from '../report/logger.js'

/** SIGINT and SIGTERM as promises. */
export interface Signals {
  /** The first signal, as the exit code it asks for: 130 or 143. */
  readonly first: Promise<number>
  /** A second one, as its exit code. */
  readonly second: Promise<number>
}

/** The effect of the first signal on the work under way. */
const EFFECTS = {
  uploads: 'letting the running uploads end; once more to stop at once',
  restore: 'stopping; what is in place by now stays, and nothing half-written does',
  retention: 'stopping; the next run goes on',
  check: 'stopping; what was uploaded again stays',
} as const

/** The work that a signal stops. */
export type Running = keyof typeof EFFECTS

const CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** A promise and what fulfils it (Promise.withResolvers is not in Node 20). */
function deferred(): { promise: Promise<number>; resolve: (code: number) => void } {
  let resolve: (code: number) => void = () => undefined
  const promise = new Promise<number>(fulfil => (resolve = fulfil))
  return { promise, resolve }
}

/**
 * Takes over SIGINT and SIGTERM until the process exits: the first lets uploads end or stops a restore, the second ends uploads
 * as well, a third ends the process. A signal that comes when all is done must not kill what still writes its last log lines.
 */
export function onSignals(log: Logger, running: Running): Signals {
  const first = deferred()
  const second = deferred()
  let count = 0
  const handle = (signal: NodeJS.Signals) => {
    const code = CODES[signal as keyof typeof CODES]
    count++
    if (count === 1) {
      log.info(`${signal}: ${EFFECTS[running]}`)
      first.resolve(code)
    } else if (count === 2) second.resolve(code)
    else process.exit(code)
  }
  process.on('SIGINT', handle).on('SIGTERM', handle)
  return { first: first.promise, second: second.promise }
}
