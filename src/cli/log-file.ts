import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs'

import { replaceDescriptor } from 'tablesnap-io'

import { errorMessage } from '../errors.js'

/** A file that the shell opened for a descriptor, as in `tablesnap … 2>>/var/log/tablesnap.log`; logrotate renames it. */
export class LogFile {
  readonly #fd: number
  /** Undefined where the descriptor is no file. */
  readonly #path: string | undefined

  /** @param fd 2 for stderr; what stdout shares with it follows */
  constructor(fd: number) {
    this.#fd = fd
    this.#path = pathOf(fd)
  }

  /** Opens the file under its old name, as logrotate expects after a SIGHUP. @returns what went wrong */
  reopen(): string | undefined {
    const path = this.#path
    if (path === undefined) return undefined
    const { O_WRONLY, O_APPEND, O_CREAT } = constants
    try {
      const old = fstatSync(this.#fd)
      const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT, old.mode & 0o777)
      const isShared = isSame(fstatSync(1), old)
      replaceDescriptor(fd, this.#fd)
      if (isShared) replaceDescriptor(fd, 1)
      closeSync(fd)
      return undefined
    } catch (error) {
      return `cannot open ${path} again (${errorMessage(error)}): log lines still go to the file that had this name`
    }
  }
}

/** The path of the file behind a descriptor; undefined if it is not a regular file, or the file has no path any more. */
function pathOf(fd: number): string | undefined {
  try {
    if (!fstatSync(fd).isFile()) return undefined
    const path = readlinkSync(`/proc/self/fd/${fd}`)
    return path.endsWith(' (deleted)') ? undefined : path
  } catch {
    return undefined
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino
}
