import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { InotifyBatch } from 'inotify'

import { errorMessage } from '../errors.js'

/** How many inotify watches this user may have, and has. */
export interface WatchLimits {
  /** The lower one of fs.inotify.max_user_watches and what the user namespace allows; undefined: it cannot be read. */
  readonly most: number | undefined
  /** Watches of other processes of this user, as far as /proc shows them. */
  readonly used: number
}

const LIMITS = ['/proc/sys/fs/inotify/max_user_watches', '/proc/sys/user/max_inotify_watches']

/** @param except names of processes whose watches do not count */
export function watchLimits(except: readonly string[]): WatchLimits {
  const limits = LIMITS.map(read).flatMap(text => (text === '' ? [] : [Number(text)]))
  return { most: limits.length === 0 ? undefined : Math.min(...limits), used: usedBy(except) }
}

/** Takes an inotify instance and gives it back. @returns why there is none; undefined: there is one */
export function instanceFailure(): string | undefined {
  try {
    new InotifyBatch({ event: () => undefined }).close()
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}

/** A line of /proc/<pid>/fdinfo/<fd> for each watch begins so; see proc(5). */
const WATCH = /^inotify /gm

function usedBy(except: readonly string[]): number {
  let count = 0
  for (const pid of names('/proc')) {
    if (!/^\d+$/.test(pid) || except.includes(read(`/proc/${pid}/comm`).trim())) continue
    if (Number(pid) === process.pid || ownerOf(`/proc/${pid}`) !== process.geteuid?.()) continue
    for (const fd of names(`/proc/${pid}/fdinfo`))
      count += read(`/proc/${pid}/fdinfo/${fd}`).match(WATCH)?.length ?? 0
  }
  return count
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}

/** Processes end while they are looked at. */
function names(path: string): string[] {
  try {
    return readdirSync(join(path))
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
