import { nameOfId } from '../node/user-database.js'
import { asciiJson } from '../s3/ascii.js'

/** The `stat` metadata of upstream tablesnap: who owns the file, and its mode with the type bits, as ASCII JSON. */
export function statMetadata(stat: { uid: bigint; gid: bigint; mode: bigint }): string {
  const uid = Number(stat.uid)
  const gid = Number(stat.gid)
  const user = nameOfId('user', uid) ?? String(uid)
  const group = nameOfId('group', gid) ?? String(gid)
  return asciiJson({ user, gid, group, uid, mode: Number(stat.mode) })
}
