import { chmod, chown, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

import { TablesnapError, errorMessage } from '../../errors.js'
import { idOfName } from '../../node/user-database.js'
import type { Logger } from '../../report/logger.js'

/** Who owns a file, and its permission bits as far as they are known. */
export interface Owner {
  readonly uid: number
  readonly gid: number
  readonly mode: number | undefined
}

/** Whom files are to be given to, by somebody's word: a file that cannot be is not restored. */
export interface Ownership {
  /** To their own owners, as their metadata tells; others only where that tells nothing. */
  readonly preserve: boolean
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** How a process changes the owner of a file; -1 leaves it. */
type Chown = (uid: number, gid: number) => Promise<void>

/** Permissions of a directory where its parent does not set the example. */
const DIRECTORY_MODE = 0o755

/** Gives files and directories their owners; without root, and without being asked, it leaves them ours. */
export class Owners {
  readonly #log: Logger
  readonly #root: boolean
  readonly #asked: Ownership | undefined
  #warned = false
  #kept = false

  constructor(log: Logger, options: { root?: boolean; ownership?: Ownership | undefined } = {}) {
    this.#log = log
    this.#root = options.root ?? process.geteuid?.() === 0
    this.#asked = options.ownership
  }

  /**
   * The owner that was asked for; else the one that an object's `stat` metadata names; else that of the directory where
   * the file comes to lie.
   * @param existing the nearest directory that exists
   * @throws TablesnapError `OWNER_UNKNOWN`
   */
  async ownerOf(metadata: Readonly<Record<string, string>>, existing: string): Promise<Owner> {
    const told = parseStat(metadata['stat'])
    const mode = permissions(told?.['mode'])
    const own = {
      uid: idIn('user', told?.['user'], told?.['uid']),
      gid: idIn('group', told?.['group'], told?.['gid']),
    }
    if (this.#asked?.preserve === true) {
      const uid = own.uid ?? this.#asked.uid
      const gid = own.gid ?? this.#asked.gid
      if (uid === undefined || gid === undefined) throw unknown(uid === undefined ? 'owner' : 'group')
      return { uid, gid, mode }
    }
    const parent = await stat(existing)
    return {
      uid: this.#asked?.uid ?? own.uid ?? parent.uid,
      gid: this.#asked?.gid ?? own.gid ?? parent.gid,
      mode,
    }
  }

  /** Sets a file's mode and its owner, as far as we may. @throws TablesnapError `OWNER_REFUSED` */
  async giveFile(file: FileHandle, owner: Owner): Promise<void> {
    await this.#give(owner, (uid, gid) => file.chown(uid, gid))
    const { mode } = owner
    if (mode !== undefined) await this.#attempt(() => file.chmod(mode))
  }

  /**
   * Sets the owner of a directory that was made, as far as we may; its mode follows a parent that has the same owner.
   * @throws TablesnapError `OWNER_REFUSED`
   */
  async giveDirectory(path: string, owner: Owner): Promise<void> {
    await this.#give(owner, (uid, gid) => chown(path, uid, gid))
    await this.#attempt(async () => {
      const [own, parent] = [await stat(path), await stat(dirname(path))]
      await chmod(path, parent.uid === own.uid ? parent.mode & 0o777 : DIRECTORY_MODE)
    })
  }

  /** Without root only what was asked for: anybody may give a file to himself and to a group of his. */
  async #give({ uid, gid }: Owner, change: Chown): Promise<void> {
    if (this.#asked === undefined) {
      if (this.#root) await this.#attempt(() => change(uid, gid))
      else this.#keep(uid, gid)
      return
    }
    const all = this.#root || this.#asked.preserve
    const wanted = all ? { uid, gid } : { uid: this.#asked.uid ?? -1, gid: this.#asked.gid ?? -1 }
    try {
      await change(wanted.uid, wanted.gid)
    } catch (cause) {
      const advice = this.#root ? '' : ': run as root, or leave out -p, -o and -g'
      throw new TablesnapError({
        code: 'OWNER_REFUSED',
        message: `cannot give files to user ${uid} and group ${gid} (${errorMessage(cause)})${advice}`,
        step: { operation: 'chown' },
        cause,
      })
    }
  }

  /** Says once that files stay ours which were not. */
  #keep(uid: number, gid: number): void {
    if (this.#kept || (uid === process.geteuid?.() && gid === process.getegid?.())) return
    this.#kept = true
    this.#log.warn(
      `The restored files belong to this user instead of user ${uid} and group ${gid}, because only root may change owners: chown them before Cassandra starts, or restore as root`,
    )
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#warned) this.#log.warn(`Cannot set owners or modes as they were: ${errorMessage(error)}`)
      this.#warned = true
    }
  }
}

/** The id of a user or a group that this machine knows by name, or that is given as a number. */
export function findId(kind: 'user' | 'group', name: string): number | undefined {
  return idIn(kind, name, /^\d{1,10}$/.test(name) ? Number(name) : undefined)
}

/** A name that this machine knows goes before the number, which may be another's here. */
function idIn(kind: 'user' | 'group', name: unknown, id: unknown): number | undefined {
  const found = typeof name === 'string' ? idOfName(kind, name) : undefined
  if (found !== undefined) return found
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 0xffffffff ? id : undefined
}

function unknown(what: 'owner' | 'group'): TablesnapError {
  const flag = what === 'owner' ? '-o' : '-g'
  return new TablesnapError({
    code: 'OWNER_UNKNOWN',
    message: `the object has no ${what} in its metadata: leave out -p, or add ${flag} for such files`,
    step: { operation: 'restore' },
  })
}

/** Upstream tablesnap's `stat` metadata: JSON with user, group, uid, gid and mode. */
function parseStat(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Permission bits alone: a set-user-id file has no business in a restore. */
function permissions(mode: unknown): number | undefined {
  if (typeof mode !== 'number' || !Number.isInteger(mode)) return undefined
  const bits = mode & 0o777
  return bits === 0 ? undefined : bits
}
