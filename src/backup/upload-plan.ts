import { parseComponent } from '../cassandra/names.js'
import type { Config } from '../config/config.js'
import type { KeyLayout } from '../manifest/keys.js'
import { OURS_METADATA, metadataHeaders, storageHeaders } from '../s3/object.js'
import { statMetadata } from '../transfer/metadata.js'
import type { FileUpload } from '../transfer/upload/upload-task.js'

import type { OpenFile } from './open-files.js'

/**
 * How an open file is uploaded under the key of its path.
 * @param suffix of the only key that it may have, where tablechop is about to delete objects of its path
 * @throws TablesnapError `KEY_TOO_LONG`
 */
export function planUpload(
  { keys, config }: { readonly keys: KeyLayout; readonly config: Config },
  { fd, name, path, stat }: OpenFile,
  suffix?: string,
): FileUpload {
  return {
    fd,
    path,
    key: keys.file(path),
    size: Number(stat.size),
    mtime: stat.mtimeNs,
    crc32: parseComponent(name)?.component === 'Data.db',
    headers: {
      ...storageHeaders(config.object),
      ...metadataHeaders({ stat: statMetadata(stat), ...OURS_METADATA }),
    },
    versionStem: keys.versionStem(path, suffix !== undefined),
    versionSuffix: suffix,
    md5: config.md5OnStart || config.engine.checksum === 'md5',
    // A file that is deleted cannot be compared later.
    trustsSize: !config.deleteOnBackup,
  }
}
