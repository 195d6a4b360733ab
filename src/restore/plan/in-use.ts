import { readFile, readdir, stat } from 'node:fs/promises'

/** A file that a process holds open. */
export interface Held {
  readonly path: string
  readonly pid: number
  /** The process' name, as the kernel shows it. */
  readonly command: string
}

/**
 * Finds out which of these files other processes hold open, as far as we may see them (without root: our own user's).
 * @param paths of files; those that do not exist are held by nobody
 */
export async function heldOpen(paths: readonly string[]): Promise<Held[]> {
  const wanted = new Map<string, string>()
  for (const path of paths) {
    const id = await identity(path)
    if (id !== undefined) wanted.set(id, path)
  }
  if (wanted.size === 0) return []
  const held: Held[] = []
  for (const pid of await names('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    const found = new Set<string>()
    for (const fd of await names(`/proc/${pid}/fd`)) {
      const path = wanted.get((await identity(`/proc/${pid}/fd/${fd}`)) ?? '')
      if (path !== undefined) found.add(path)
    }
    if (found.size === 0) continue
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    for (const path of found) held.push({ path, pid: Number(pid), command: command.trim() })
  }
  return held
}

async function names(path: string): Promise<string[]> {
  return readdir(path).catch(() => [])
}

async function identity(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return `${dev.toString()}:${ino.toString()}`
  } catch {
    return undefined
  }
}
