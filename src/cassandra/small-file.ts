import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** Bytes beyond which a file is no TOC.txt and no transaction log. */
const LIMIT = 16 * 1024 * 1024

/** O_NONBLOCK: opening a FIFO waits for its writer otherwise, and with it the whole process. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Reads a small text file that somebody else writes.
 * @returns undefined where it is no regular file, or too large to be what its name says
 * @throws ErrnoException
 */
export function readSmall(path: string): string | undefined {
  const fd = openSync(path, FLAGS)
  try {
    const stat = fstatSync(fd)
    return stat.isFile() && stat.size <= LIMIT ? readFileSync(fd, 'utf8') : undefined
  } finally {
    closeSync(fd)
  }
}
