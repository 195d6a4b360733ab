import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

const DISKS = '/dev/disk/by-uuid'

/**
 * The identities under which earlier versions may have written: the machine with the file system of the first path, whichever of
 * the paths was the first then. Who has one of them in the bucket need not be taken over after an upgrade.
 * @param machine EC2 instance id, machine-id or host name
 */
export function formerIds(machine: string, paths: readonly string[]): string[] {
  const ids = new Set<string>()
  for (const path of paths) {
    const text = `${machine}\0${fileSystemOf(path)}`
    ids.add(createHash('sha256').update(text).digest('hex').slice(0, 32))
  }
  return [...ids]
}

/** The UUID of a file system as udev tells it, or its type and device where udev does not. */
function fileSystemOf(path: string): string {
  const dev = deviceOf(path)
  if (dev === undefined) return path === '/' ? '' : fileSystemOf(dirname(path))
  try {
    for (const uuid of readdirSync(DISKS)) if (statSync(join(DISKS, uuid)).rdev === dev) return uuid
  } catch {
    // A container without the host's disks.
  }
  const number = `${dev >> 8}:${dev & 0xff}`
  try {
    for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
      const [before = '', after = ''] = line.split(' - ')
      if (before.split(' ')[2] === number) return after.split(' ').slice(0, 2).join(' ')
    }
  } catch {
    // No /proc: nothing more is known.
  }
  return ''
}

function deviceOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.dev
  } catch {
    return undefined
  }
}
