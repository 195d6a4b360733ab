import { loadNative } from './lib/load.js'

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
} = loadNative()
