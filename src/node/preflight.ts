import { readFileSync, statSync } from 'node:fs'

import type { Config } from '../config/config.js'
import { TablesnapError, errorCode, errorMessage } from '../errors.js'
import { counted } from '../report/format.js'

/** @throws TablesnapError when a path is no directory, or is not there and is not waited for */
export function checkPath(path: string, { mode, waitForPaths }: Pick<Config, 'mode' | 'waitForPaths'>): void {
  try {
    if (statSync(path).isDirectory()) return
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') {
      if (waitForPaths) return
      const advice =
        mode === 'backup' ? 'check the path' : 'check the path, or wait for it with --wait-for-paths'
      throw new TablesnapError({
        code: 'PATH_MISSING',
        message: `${path} does not exist: ${advice}`,
        step: { path },
        cause,
      })
    }
    const message = `${path} cannot be read: ${errorMessage(cause)}`
    throw new TablesnapError({ code: 'PATH_UNREADABLE', message, step: { path }, cause })
  }
  throw new TablesnapError({
    code: 'PATH_NO_DIRECTORY',
    message: `${path} is not a directory`,
    step: { path },
  })
}

/** Descriptors that a backup needs: Node's own, those of the two threads there are by default, and the files of a few SSTables. */
const FEWEST_DESCRIPTORS = 96
const FEW_THREADS = 2

/** Descriptors of a further thread: those of its event loop, its connections, and the files that are opened for it. */
const FOR_A_THREAD = 10

/** @throws TablesnapError `FILE_LIMIT` when uploads would fail here and there for want of descriptors */
export function checkDescriptors(threads: number): void {
  const limit = descriptorLimit()
  const needed = FEWEST_DESCRIPTORS + FOR_A_THREAD * Math.max(0, threads - FEW_THREADS)
  if (limit >= needed) return
  const threaded = threads > FEW_THREADS ? ` with ${counted(threads, 'thread')} (-t)` : ''
  throw new TablesnapError({
    code: 'FILE_LIMIT',
    message: `this process may open ${counted(limit, 'file')} at once, and a backup needs ${needed}${threaded}: raise its limit (LimitNOFILE of the service, or ulimit -n)`,
    step: { operation: 'backup' },
  })
}

/** How many descriptors this process may have (RLIMIT_NOFILE); 1,024 when that cannot be read. */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(soft ?? 1024)
  } catch {
    return 1024
  }
}
