import { readFileSync } from 'node:fs'

import { asciiJson } from '../s3/ascii.js'

/** Names of users or groups by their number. */
type Names = ReadonlyMap<number, string>

/** How long the user database is believed, ms. */
const FRESH = 60_000

const cache = new Map<string, { at: number; names: Names }>()

/** The `stat` metadata of upstream tablesnap: who owns the file, and its mode with the type bits, as ASCII JSON. */
export function statMetadata(stat: { uid: bigint; gid: bigint; mode: bigint }): string {
  const uid = Number(stat.uid)
  const gid = Number(stat.gid)
  const user = namesOf('/etc/passwd').get(uid) ?? String(uid)
  const group = namesOf('/etc/group').get(gid) ?? String(gid)
  return asciiJson({ user, gid, group, uid, mode: Number(stat.mode) })
}

function namesOf(file: string): Names {
  const known = cache.get(file)
  if (known !== undefined && performance.now() - known.at < FRESH) return known.names
  const names = new Map<number, string>()
  for (const line of read(file).split('\n')) {
    const [name = '', , id = ''] = line.split(':')
    if (/^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name)
  }
  cache.set(file, { at: performance.now(), names })
  return names
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
