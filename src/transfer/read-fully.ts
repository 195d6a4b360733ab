import { readNeutral, readNeutralSync } from 'tablesnap-io'

import type { TablesnapError } from '../errors.js'

/** Bytes up to which another thread costs more than the read: twenty times as much for what is in memory. */
const SMALL = 64 * 1024

/**
 * Reads `into.length` bytes of a file from `start`, and leaves the page cache as it was.
 * @param failure makes the error of a read that failed at a byte of the file; without a cause, the file ends there
 * @throws what `failure` makes
 */
export async function readFully(
  fd: number,
  start: number,
  into: Buffer,
  failure: (at: number, cause?: unknown) => TablesnapError,
): Promise<void> {
  let done = 0
  while (done < into.length) {
    const left = into.length - done
    const at = start + done
    let count: number
    try {
      count =
        left <= SMALL
          ? readNeutralSync(fd, into, done, left, at)
          : await readNeutral(fd, into, done, left, at)
    } catch (cause) {
      throw failure(at, cause)
    }
    if (count === 0) throw failure(at)
    done += count
  }
}
