import inspector from 'node:inspector'

/** Signals with which an operator asks a running process for something. None of them ends it. */
export type Request = 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2'

const REQUESTS: readonly Request[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2']

/** When a debugger is looked for that a signal opened before this program ran, ms after its start. */
const LOOKS = [0, 100, 1000] as const

const handlers = new Map<Request, () => void>()
const early = new Set<Request>()

/**
 * Takes SIGHUP, SIGUSR1 and SIGUSR2 over for the rest of the process. Without it the first and the last end the process, and SIGUSR1
 * opens Node's debugger, which lets every local user run code in it. Must be called before anything else is loaded.
 */
export function takeOverRequests(): void {
  for (const request of REQUESTS) {
    process.on(request, () => {
      const handler = handlers.get(request)
      if (handler === undefined) early.add(request)
      else handler()
    })
  }
  // Node listens to SIGUSR1 some milliseconds before it runs the first line of a program.
  if (isDebugged()) return
  closeDebugger()
  for (const delay of LOOKS) setTimeout(closeDebugger, delay).unref()
}

/** Says what a request does from now on; one that came before is answered now. */
export function onRequest(request: Request, handler: () => void): void {
  handlers.set(request, handler)
  if (early.delete(request)) handler()
}

/** Whether whoever started the process asked for a debugger. */
function isDebugged(): boolean {
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)]
  return options.some(option => /^--inspect(?:$|=|-brk|-wait)/.test(option))
}

function closeDebugger(): void {
  if (process.features.inspector && inspector.url() !== undefined) inspector.close()
}
