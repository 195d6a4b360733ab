import { write } from 'node:fs'
import { promisify } from 'node:util'

import { TablesnapError, errorCode, errorMessage } from '../../errors.js'
import { readFully } from '../read-fully.js'

import type { LocalFile } from './download-task.js'

const writeAt = promisify(write)

/** Reads `into.length` bytes of a file from `start`, and leaves the page cache as it was. @throws TablesnapError `FILE_UNREADABLE` */
export async function readLocal({ fd, path }: LocalFile, start: number, into: Buffer): Promise<void> {
  await readFully(fd, start, into, (at, cause) => {
    const message =
      cause === undefined
        ? `cannot read ${path}: it ends at byte ${at}`
        : `cannot read ${path} at byte ${at}: ${errorMessage(cause)}`
    return new TablesnapError({
      code: 'FILE_UNREADABLE',
      message,
      step: { operation: 'restore', path },
      cause,
    })
  })
}

/** To whole blocks of this many bytes every disk can be written past the page cache. */
const BLOCK = 4096

/**
 * Writes all of `bytes` to a file from `start`, past the page cache as far as it goes: that spares the copy and the search for
 * pages, most of what a restore costs, and what others have in the cache stays there.
 * @param bytes which begin at a page of memory
 * @throws TablesnapError `NO_SPACE`, `FILE_UNWRITABLE`
 */
export async function writePast(file: LocalFile, start: number, bytes: Buffer): Promise<void> {
  const { direct, path } = file
  const whole = bytes.length - (bytes.length % BLOCK)
  let done = 0
  if (direct !== undefined && start % BLOCK === 0) {
    while (done < whole) {
      const written = await writeAt(direct, bytes, done, whole - done, start + done).catch(
        (cause: unknown) => {
          // Not as this file system will have it.
          if (errorCode(cause) === 'EINVAL') return undefined
          throw unwritable(`cannot write ${path}`, path, cause)
        },
      )
      if (written === undefined) break
      done += written.bytesWritten
    }
  }
  await writeFully(file, start + done, bytes.subarray(done))
}

/** Writes all of `bytes` to a file from `start`. @throws TablesnapError `NO_SPACE`, `FILE_UNWRITABLE` */
export async function writeFully(file: LocalFile, start: number, bytes: Buffer): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await writeAt(file.fd, bytes, done, bytes.length - done, start + done).catch(
      (cause: unknown) => {
        throw unwritable(`cannot write ${file.path}`, file.path, cause)
      },
    )
    done += bytesWritten
  }
}

/** The error of a file that our own disk does not take: `NO_SPACE` where it is full, else `FILE_UNWRITABLE`. */
export function unwritable(what: string, path: string, cause: unknown): TablesnapError {
  const full = ['ENOSPC', 'EDQUOT'].includes(errorCode(cause) ?? '')
  const message = `${what}: ${errorMessage(cause)}`
  return new TablesnapError({
    code: full ? 'NO_SPACE' : 'FILE_UNWRITABLE',
    message,
    step: { operation: 'restore', path },
    cause,
  })
}
