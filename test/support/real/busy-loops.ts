import type { Test } from 'tap'
import { ServerProcess } from './server-process.js'

/** Keeps a processor busy for as long as the test lasts. */
const LOOP = 'for (;;);'

/** Starts processes that each want a whole processor; they end with the test, however it ends. @param nice see nice(1) */
export async function startBusyLoops(
  t: Pick<Test, 'teardown'>,
  count: number,
  nice = 0,
): Promise<{ stop(): Promise<void> }> {
  const loops: ServerProcess[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(loops.splice(0).map(async loop => loop.stop('SIGKILL')))
  }
  t.teardown(stop)
  for (let i = 0; i < count; i += 1) {
    loops.push(
      await ServerProcess.spawn({
        command: 'nice',
        args: ['-n', String(nice), process.execPath, '-e', LOOP],
        env: { PATH: process.env['PATH'] },
        cwd: '/',
        log: '/dev/null',
      }),
    )
  }
  return { stop }
}
