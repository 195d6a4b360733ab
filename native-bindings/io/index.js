import { loadNative } from './lib/load.js'

const native = loadNative()

export const {
  crc64nvme,
  crc64nvmeCombine,
  crc32,
  crc32Combine,
  crc32c,
  crc32cCombine,
  implementations,
  useImplementation,
  readNeutral,
  readNeutralSync,
  bytesToPage,
  leftPages,
  writeNow,
  connectLocal,
  replaceDescriptor,
  unacknowledgedBytes,
  useDontCache,
  lowerPriority,
  threadCpuTime,
  volumeId,
} = native

/** The file types of stat(2), by the bits of st_mode that tell them. */
const KINDS = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'link'],
])

/** The native side writes here: one status at a time, and each thread has its own module. */
const fields = new BigInt64Array(5)

export function pathStatus(path, follow = true) {
  const type = native.pathStatus(path, follow, fields)
  if (type === 0) return undefined
  const [size, mtime, inode, device, links] = fields
  const kind = KINDS.get(type) ?? 'other'
  return { kind, size: Number(size), mtime, inode, device, links: Number(links) }
}
