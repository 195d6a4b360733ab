import { readFileSync } from 'node:fs'

/** The kinds of names in the user database. */
export type Owner = 'user' | 'group'

/** Where this machine's users and groups stand, one a line: `<name>:<password>:<id>:…`. */
export const USER_DATABASE = { user: '/etc/passwd', group: '/etc/group' } as const

/** How long a file that was read counts as current, ms. */
const FRESH = 60_000

/** One file of the user database. Where a name or an id occurs twice, the first line counts, as for the C library. */
interface Entries {
  readonly read: number
  readonly ids: ReadonlyMap<string, number>
  readonly names: ReadonlyMap<number, string>
}

const cache = new Map<Owner, Entries>()

/** The name of a user or group; undefined where this machine has none for the id. */
export function nameOfId(kind: Owner, id: number): string | undefined {
  return entries(kind).names.get(id)
}

/** The id of a user or group; undefined where this machine does not know the name. */
export function idOfName(kind: Owner, name: string): number | undefined {
  return entries(kind).ids.get(name)
}

function entries(kind: Owner): Entries {
  const known = cache.get(kind)
  if (known !== undefined && performance.now() - known.read < FRESH) return known
  const ids = new Map<string, number>()
  const names = new Map<number, string>()
  for (const line of read(USER_DATABASE[kind]).split('\n')) {
    const [name = '', , id = ''] = line.split(':')
    if (!/^\d+$/.test(id)) continue
    if (!ids.has(name)) ids.set(name, Number(id))
    if (!names.has(Number(id))) names.set(Number(id), name)
  }
  const fresh = { read: performance.now(), ids, names }
  cache.set(kind, fresh)
  return fresh
}

/** A minimal container may have no such file. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
