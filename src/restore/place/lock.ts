import { open, readFile, readlink, rename, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { TablesnapError, errorCode, isAbsent } from '../../errors.js'

import { makeDirectoriesTo } from './directories.js'

/** Who holds a lock: a process id alone may have been given again, or be another container's. */
interface Holder {
  readonly pid: number
  /** When the process began, in clock ticks since boot. */
  readonly start: string
  readonly boot: string
  readonly namespace: string
}

/** Attempts to take a lock that others take and leave meanwhile. */
const ATTEMPTS = 20

/** Between two attempts on a lock that says nothing yet, ms. */
const PAUSE = 100

/** Age below which a lock that says nothing is believed to be one being written, ms. */
const YOUNG = 1000

/**
 * Takes the lock of a directory by a file in it; one that a dead process left is taken over.
 * @returns releases it
 * @throws TablesnapError `RESTORE_RUNNING`
 */
export async function takeLock(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'lock')
  const own = await ownHolder()
  for (let attempt = 1; ; attempt++) {
    try {
      // Whoever leaves the directory removes it.
      await makeDirectoriesTo(directory, 0o700)
      const handle = await open(path, 'wx', 0o600)
      await handle.writeFile(JSON.stringify(own))
      await handle.close()
      return () => rm(path, { force: true })
    } catch (error) {
      if (!['EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw error
    }
    const holder = await readHolder(path)
    if (attempt === ATTEMPTS || (holder !== undefined && (await isAlive(holder, own))))
      throw running(directory, holder)
    if (holder === undefined && (await isYoung(path))) await sleep(PAUSE)
    else await removeStale(path, holder)
  }
}

/** Whether a lock may be one that its owner is just about to write. */
async function isYoung(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Math.abs(Date.now() - found.mtimeMs) < YOUNG
}

/** Takes a stale lock away, and nobody else's who took it over first. */
async function removeStale(path: string, stale: Holder | undefined): Promise<void> {
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isAbsent(error)) return
    throw error
  }
  const moved = await readHolder(aside)
  if (JSON.stringify(moved) === JSON.stringify(stale)) await unlink(aside)
  else await rename(aside, path)
}

async function ownHolder(): Promise<Holder> {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return { pid: process.pid, start: await startOf(process.pid), boot, namespace }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder> | null
    const { pid, start, boot, namespace } = holder ?? {}
    if (pid === undefined || start === undefined || boot === undefined || namespace === undefined)
      return undefined
    return { pid, start, boot, namespace }
  } catch {
    // Cut off by a crash while it was written, or gone.
    return undefined
  }
}

async function isAlive(holder: Holder, own: Holder): Promise<boolean> {
  if (holder.boot !== own.boot) return false
  // Another container's processes cannot be seen from here.
  if (holder.namespace !== own.namespace) return true
  return (await startOf(holder.pid)) === holder.start
}

/** When a process began; empty when there is none. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the name in brackets, which may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function running(directory: string, holder: Holder | undefined): TablesnapError {
  const who = holder === undefined ? '' : ` (process ${holder.pid})`
  return new TablesnapError({
    code: 'RESTORE_RUNNING',
    message: `another restore${who} is working in ${directory}; if no restore is running, delete that directory`,
    step: { operation: 'restore', path: directory },
  })
}
