import { existsSync, readFileSync, statSync } from 'node:fs'

/** Bytes of a sector in the kernel's statistics, whatever the disk's are. */
const SECTOR = 512

/** Bytes read so far from the disk that a folder is on; undefined where that is no block device. See Documentation/block/stat.rst in Linux. */
export function bytesRead(folder: string): number | undefined {
  const { dev } = statSync(folder)
  // As of gnu_dev_major and gnu_dev_minor, for numbers below 2^12 and 2^8.
  const path = `/sys/dev/block/${(dev >> 8) & 0xfff}:${dev & 0xff}/stat`
  if (!existsSync(path)) return undefined
  return Number(readFileSync(path, 'utf8').trim().split(/\s+/)[2]) * SECTOR
}
