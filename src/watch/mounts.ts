import { readFileSync } from 'node:fs'

/** One file system that is mounted somewhere; see proc_pid_mountinfo(5). */
interface Mount {
  /** Unique while it is mounted. */
  readonly id: string
  /** `major:minor` */
  readonly device: string
}

/** The file systems that are mounted, as far as this process sees them, by mount point; what is mounted over is left out. */
export class MountTable {
  readonly #mounts: ReadonlyMap<string, Mount>

  private constructor(
    /** As the kernel told it: two tables with the same text are the same. */
    readonly text: string,
    mounts: ReadonlyMap<string, Mount>,
  ) {
    this.#mounts = mounts
  }

  /** Reads the table. @param before the last one, which is given back when nothing has changed; without /proc it is empty */
  static read(before?: MountTable): MountTable {
    let text = ''
    try {
      text = readFileSync('/proc/self/mountinfo', 'utf8')
    } catch {
      // No /proc: only device and inode of a directory tell of mounts.
    }
    return before?.text === text ? before : MountTable.parse(text)
  }

  /** @param text lines as `36 35 98:0 /root /mnt/point rw,noatime master:1 - ext4 /dev/root rw` */
  static parse(text: string): MountTable {
    const mounts = new Map<string, Mount>()
    for (const line of text.split('\n')) {
      const [id = '', , device = '', , point] = line.split(' ')
      // If two file systems are mounted on one path, the later line is the upper one.
      if (point !== undefined) mounts.set(unescape(point), { id, device })
    }
    return new MountTable(text, mounts)
  }

  /** The mount point of the file system that a path lies in. @param path absolute, without symbolic links */
  pointOf(path: string): string {
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) if (this.#mounts.has(at)) return at
    return '/'
  }

  /** Mount points on which another file system lies than in a table before, or none. */
  changesSince(before: MountTable): string[] {
    if (before === this) return []
    const points = new Set([...before.#mounts.keys(), ...this.#mounts.keys()])
    return [...points].filter(point => before.#mounts.get(point)?.id !== this.#mounts.get(point)?.id)
  }
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))
}
