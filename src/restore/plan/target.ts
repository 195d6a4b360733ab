import { lstat, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

import { isAbsent } from '../../errors.js'

/** A directory that files are restored into. */
export interface TargetDirectory {
  /** Where it is or will be. */
  readonly path: string
  /** The nearest directory at or above it that exists. */
  readonly existing: string
}

/** The directory below which everything is restored. */
export class Target {
  readonly root: string
  readonly #known = new Map<string, Promise<TargetDirectory | string>>()

  /** @param root absolute; need not exist */
  constructor(root: string) {
    this.root = root
  }

  /**
   * Where a directory of the original node comes to lie.
   * @param directory absolute, without `..`
   * @returns a reason where it may not: it would be outside the target, or something else is in its place
   */
  place(directory: string): Promise<TargetDirectory | string> {
    let place = this.#known.get(directory)
    if (place === undefined) {
      place = this.#find(resolve(this.root, `.${directory}`))
      this.#known.set(directory, place)
    }
    return place
  }

  /** Whether a directory that exists is the target or below it, symbolic links followed. */
  async holds(existing: string): Promise<boolean> {
    const root = await realpath(this.root)
    const real = await realpath(existing)
    return root === '/' || real === root || real.startsWith(`${root}/`)
  }

  async #find(path: string): Promise<TargetDirectory | string> {
    let existing = path
    for (let found = await kind(existing); found !== 'directory'; found = await kind(existing)) {
      if (found === 'dangling') return `${existing} is a symbolic link that leads nowhere`
      if (found === 'other') return `${existing} is in its way, and is no directory`
      existing = dirname(existing)
    }
    const inside = existing === this.root || existing.startsWith(this.root === '/' ? '/' : `${this.root}/`)
    if (inside && !(await this.holds(existing))) {
      return `${existing} leads out of the target by a symbolic link`
    }
    return { path, existing }
  }
}

/** The kind of file at a path; symbolic links are followed. */
async function kind(path: string): Promise<'directory' | 'other' | 'dangling' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'other'
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
  try {
    await lstat(path)
    return 'dangling'
  } catch (error) {
    if (isAbsent(error)) return 'nothing'
    throw error
  }
}
