import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

/** What of a test the helpers need. */
interface Cleaner {
  teardown(action: () => void): unknown
}

/** A directory of its own, removed when the test ends; `fast`: in memory, where the system has such a place. */
export function folder(t: Cleaner, fast = false): string {
  const path = mkdtempSync(join(fast && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tablesnap-native-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Waits until a condition holds; throws after `milliseconds`. */
export async function until(condition: () => boolean, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms in vain`)
    await sleep(2)
  }
}

/** Starts worker.ts with its orders; without the loaders of the test runner, which cost every thread seconds. */
export function startThread(orders: { task: string; path: string } & Record<string, unknown>): Worker {
  return new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], workerData: orders })
}

/** How many inotify descriptors this process has open. */
export function inotifyDescriptors(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('inotify')
    } catch {
      return false
    }
  }).length
}

/** A limit of the kernel, as sysctl(8) names it. */
export function sysctl(name: string): number {
  return Number(readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'))
}

/** An Error's fields, or undefined when nothing is thrown. */
export function thrown(action: () => unknown): NodeJS.ErrnoException | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}
