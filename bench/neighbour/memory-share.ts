import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where control groups lie, by their version: the folder, and the file that limits the memory. */
const KINDS = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max' },
] as const

/**
 * A control group that this process and all that it starts from now on share: their memory and the pages of the files that they
 * read are limited together, as on a machine of that size.
 */
export class MemoryShare {
  readonly #root: string
  readonly #folder: string

  private constructor(root: string, folder: string) {
    this.#root = root
    this.#folder = folder
  }

  /** @param bytes of memory and page cache together @returns undefined where this process may not make one */
  static enter(bytes: number): MemoryShare | undefined {
    for (const { root, limit } of KINDS) {
      const folder = join(root, `tablesnap-bench-${process.pid}`)
      try {
        if (!existsSync(join(root, 'cgroup.procs'))) continue
        mkdirSync(folder)
        writeFileSync(join(folder, limit), String(bytes))
        writeFileSync(join(folder, 'cgroup.procs'), String(process.pid))
        return new MemoryShare(root, folder)
      } catch {
        if (existsSync(folder)) rmdirSync(folder)
      }
    }
    return undefined
  }

  /** Whoever is left in it goes back to where all come from. */
  leave(): void {
    for (const pid of readFileSync(join(this.#folder, 'cgroup.procs'), 'utf8').split('\n'))
      if (pid !== '') writeFileSync(join(this.#root, 'cgroup.procs'), pid)
    rmdirSync(this.#folder)
  }
}
