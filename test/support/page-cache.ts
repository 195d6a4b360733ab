import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'

const MEBIBYTE = 1024 * 1024

/** Bytes of a file that are in the page cache, in the range; the pages of each byte count whole. */
export function resident(path: string, start = 0, length?: number): number {
  // mincore for who owns the file; Python has no binding, and so calls libc.
  const program = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
page = os.sysconf('SC_PAGESIZE')
start, length = int(sys.argv[2]), int(sys.argv[3])
fd = os.open(sys.argv[1], os.O_RDONLY)
length = length if length >= 0 else os.fstat(fd).st_size - start
pages = (length + page - 1) // page
address = libc.mmap(None, length, 1, 1, fd, start)
states = (ctypes.c_ubyte * pages)()
if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(length), states) != 0: sys.exit('mincore failed')
print(sum(state & 1 for state in states) * page)
`
  const args = ['-c', program, path, String(start), String(length ?? -1)]
  return Number(execFileSync('python3', args, { encoding: 'utf8' }))
}

/** Writes a file that is on the disk and not in the page cache. */
export function writeCold(path: string, bytes: number): void {
  const fd = openSync(path, 'w')
  const piece = Buffer.alloc(Math.min(MEBIBYTE, bytes), 'cold')
  for (let at = 0; at < bytes; at += piece.length) writeSync(fd, piece, 0, Math.min(piece.length, bytes - at))
  fsyncSync(fd)
  closeSync(fd)
  execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'])
}

/** Reads a part of a file as others do, by which it gets into the page cache. */
export function warm(path: string, start: number, length: number): void {
  const fd = openSync(path, 'r')
  const piece = Buffer.alloc(MEBIBYTE)
  for (let at = 0; at < length; at += piece.length)
    readSync(fd, piece, 0, Math.min(piece.length, length - at), start + at)
  closeSync(fd)
}
