/**
 * Checksums, and their combination: the checksum of two pieces from the checksums of each, without their bytes.
 *
 * The algorithms are those of the CRC catalogue (reveng.sourceforge.io/crc-catalogue). A result is a finished
 * checksum; handed back as `previous` it is continued, so that `crc(b, crc(a))` is the checksum of a followed by b. The checksum of no bytes
 * is 0. All functions are synchronous; those over data cost time in proportion to its length and copy nothing.
 * Carry-less multiplication is used where the processor and the kernel have it.
 */

/**
 * CRC-64/NVME, as in S3's x-amz-checksum-crc64nvme; of "123456789" it is 0xae8b14860a799888.
 * @param data a Buffer, too; it may lie in a SharedArrayBuffer
 * @param previous the checksum of what came before (default 0n: nothing)
 * @throws TypeError if data is no Uint8Array, or previous no bigint from 0 to 2^64-1
 */
export function crc64nvme(data: Uint8Array, previous?: bigint): bigint

/**
 * The CRC-64/NVME of a followed by b; exact for every length, in some ten microseconds.
 * @param a checksum of the first piece
 * @param b checksum of the second piece
 * @param lengthOfB bytes of the second piece, 0 to 2^53-1
 * @throws TypeError if a or b is no bigint from 0 to 2^64-1, or lengthOfB out of range
 */
export function crc64nvmeCombine(a: bigint, b: bigint, lengthOfB: number): bigint

/**
 * CRC-32/ISO-HDLC: that of zlib, gzip and S3's x-amz-checksum-crc32; of "123456789" it is 0xcbf43926.
 * @param previous the checksum of what came before (default 0: nothing)
 * @returns 0 to 2^32-1
 * @throws TypeError if data is no Uint8Array, or previous no integer from 0 to 2^32-1
 */
export function crc32(data: Uint8Array, previous?: number): number

/**
 * The CRC-32 of a followed by b.
 * @param lengthOfB bytes of the second piece, 0 to 2^53-1
 * @throws TypeError if a or b is no integer from 0 to 2^32-1, or lengthOfB out of range
 */
export function crc32Combine(a: number, b: number, lengthOfB: number): number

/**
 * CRC-32C (CRC-32/ISCSI, Castagnoli), as in S3's x-amz-checksum-crc32c; of "123456789" it is 0xe3069283.
 * @param previous the checksum of what came before (default 0: nothing)
 * @returns 0 to 2^32-1
 * @throws TypeError if data is no Uint8Array, or previous no integer from 0 to 2^32-1
 */
export function crc32c(data: Uint8Array, previous?: number): number

/**
 * The CRC-32C of a followed by b.
 * @param lengthOfB bytes of the second piece, 0 to 2^53-1
 * @throws TypeError if a or b is no integer from 0 to 2^32-1, or lengthOfB out of range
 */
export function crc32cCombine(a: number, b: number, lengthOfB: number): number

/** A way to compute the checksums; all give the same results. `table` is for any processor, `pmull` is ARM's, the rest are x86-64's. */
export type Implementation = 'vpclmul512' | 'vpclmul256' | 'pclmul' | 'pmull' | 'table'

/** For tests: the ways that this machine can go, fastest first; the first is used unless another is asked for. */
export function implementations(): Implementation[]

/**
 * For tests: computes all checksums in one way, in all threads of the process.
 * @throws RangeError if it is none of {@link implementations}
 */
export function useImplementation(name: Implementation): void

/**
 * Reads a file as `fs.read` does, in a thread of libuv's pool, and leaves the page cache as it found it: pages that were resident stay,
 * those that were read from disk go. The kernel does so itself since Linux 6.14 (RWF_DONTCACHE; not on every file system); otherwise
 * mincore(2) says which pages were there, and posix_fadvise(2) drops the others.
 * @param data takes the bytes; must not be touched until the promise settles
 * @param offset where in data they begin, bytes
 * @param length most bytes to read
 * @param position where in the file they begin, bytes
 * @returns how many bytes were read, 0 at the end of the file
 * @throws TypeError for an argument of the wrong kind or out of range. The promise rejects with an error as of `fs.read`: code, errno, syscall
 */
export function readNeutral(
  fd: number,
  data: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number>

/**
 * {@link readNeutral} in the thread that calls, for files so small that handing them to another thread costs more than to read them.
 * @throws TypeError, or an error as of `fs.readSync`
 */
export function readNeutralSync(
  fd: number,
  data: Uint8Array,
  offset: number,
  length: number,
  position: number,
): number

/**
 * How many bytes of data lie before the first one at a page of memory. From there on a buffer is read into three times as fast as
 * from where `malloc` puts it, 16 bytes behind: the kernel copies with one string instruction, which is slow between
 * addresses that differ within a cache line (seen on AMD Zen 3).
 */
export function bytesToPage(data: Uint8Array): number

/**
 * Whether some read of this process had to leave its pages in the cache: mincore tells nothing of a file that the process neither
 * owns nor may write.
 */
export function leftPages(): boolean

/**
 * Writes to a descriptor as much as it takes at once, and never waits for whoever reads it: a pipe, a socket, a terminal that was
 * paused. The descriptor's flags stay as they are, for other processes may share it.
 * @param offset where in data to begin, bytes
 * @returns how many bytes were taken; 0 where none can be taken now
 * @throws Error as those of `node:fs` (code, errno, syscall): EPIPE, ENOSPC, …
 */
export function writeNow(fd: number, data: Uint8Array, offset: number): number

/**
 * Connects to a local (AF_UNIX) socket, such as syslog's /dev/log. `node:net` knows no datagrams.
 * @param path a file, or an abstract name (unix(7)) behind an @, as systemd writes it
 * @param datagram whether the socket takes one message a write, else a stream of bytes
 * @returns the descriptor, for {@link writeNow}; `fs.closeSync` closes it
 * @throws Error as those of `node:fs`: EPROTOTYPE where the socket is of the other kind
 */
export function connectLocal(path: string, datagram: boolean): number

/**
 * Makes `to` refer to what `from` refers to, as dup2(2) does; what `to` was before is closed.
 * @throws Error as those of `node:fs`
 */
export function replaceDescriptor(from: number, to: number): void

/**
 * The bytes of a TCP connection that the kernel holds and the other side has not acknowledged (SIOCOUTQ, see tcp(7)).
 * @param fd of a socket
 * @throws TypeError for an argument that is no descriptor; Error as those of `node:fs`
 */
export function unacknowledgedBytes(fd: number): number

/** For tests: whether the kernel is asked first, or reads go the way of older ones. For all threads. */
export function useDontCache(use: boolean): void

/**
 * Lets everybody else go first: gives all threads of the process the idle I/O class (the disk is ours only when nobody else wants it;
 * of effect with I/O schedulers that know classes, as bfq) and a nice value. Threads that are made later inherit both. A thread that
 * is nicer already stays so. There is no way back without privileges.
 * @param nice 0 to 19
 * @throws Error as those of `node:fs` (code, errno, syscall) when the system refuses it for some thread
 */
export function lowerPriority(nice: number): void

/**
 * CPU time that the calling thread has used since it began, in user and system mode, ms with fractions
 * (CLOCK_THREAD_CPUTIME_ID). Unlike the time of day it does not grow while the thread sleeps or waits for a processor.
 * @throws Error as those of `node:fs`
 */
export function threadCpuTime(): number

/**
 * What names a file system wherever its volume is attached, as hex digits: the UUID of XFS; of ext2/3/4, btrfs and ZFS the 64 bits that
 * the kernel makes of their UUID or GUID. Undefined for file systems that have no such name (overlayfs, tmpfs, NFS, …). Needs no
 * privileges, no /dev and no udev.
 * @param fd of any file or directory in it
 * @throws TypeError for an argument that is no descriptor; Error as those of `node:fs`
 */
export function volumeId(fd: number): string | undefined

/** What lies under a path, as stat(2) tells it. */
export interface PathStatus {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  /** Bytes. */
  readonly size: number
  /** ns since 1970. */
  readonly mtime: bigint
  readonly inode: bigint
  readonly device: bigint
  /** Names that it has. */
  readonly links: number
}

/**
 * What lies under a path. `fs.statSync` with bigints makes 18 of them and four dates, and takes nearly twice as long.
 * @param follow whether symbolic links are followed (default true)
 * @returns undefined where nothing lies under the path
 * @throws TypeError for a path with a null byte; Error as those of `node:fs`: EACCES, ELOOP, ENAMETOOLONG, …
 */
export function pathStatus(path: string, follow?: boolean): PathStatus | undefined
