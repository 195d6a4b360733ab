import { pathStatus } from 'tablesnap-io'

import { parseToc } from '../cassandra/complete.js'
import { identify, type FileIdentity } from '../cassandra/file-identity.js'
import { readSmall } from '../cassandra/small-file.js'
import type { DirectoryIdentity } from '../manifest/state.js'
import { findAside } from '../restore/plan/aside.js'
import type { Disk } from '../tables/ports.js'

/** The disk of this machine, as tables ask for it. */
export class LocalDisk implements Disk {
  file(path: string): FileIdentity | undefined {
    return identify(path)
  }

  directory(path: string): DirectoryIdentity | undefined {
    try {
      const status = pathStatus(path)
      return status?.kind === 'directory' ? { device: status.device, inode: status.inode } : undefined
    } catch {
      return undefined
    }
  }

  toc(path: string): readonly string[] | undefined {
    // While an SSTable is written it is missing at every look, and an error costs as much as ten looks.
    if (identify(path) === undefined) return undefined
    try {
      return parseToc(readSmall(path) ?? '')
    } catch {
      return undefined
    }
  }

  isMovedAside(directory: string, name: string, inode: bigint): boolean {
    return findAside(directory, name, inode) !== undefined
  }
}
