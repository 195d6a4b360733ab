import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

import { errorCode } from '../../errors.js'

/**
 * Makes a directory and those above it that are missing. Node's `recursive` is not used: on a file system without space or inodes it
 * says ENOENT, and the restore would go on with the next SSTable.
 * @param mode of each directory that is made
 * @throws ErrnoException
 */
export async function makeDirectoriesTo(path: string, mode: number): Promise<void> {
  const above = dirname(path)
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || above === path) throw error
    await makeDirectoriesTo(above, mode)
    await makeDirectoriesTo(path, mode)
  }
}
