const controller = new AbortController()

/** Aborted by SIGINT and SIGTERM: what has begun is ended and cleaned up, and nothing new begins. */
export const interruption: AbortSignal = controller.signal

/** From now on the first signal ends the benchmark in order; a second one ends it at once. */
export function endInOrder(): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => controller.abort(new Error('interrupted')))
}
