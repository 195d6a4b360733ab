import type { DirectoryIdentity, Entry, StateSet } from './state.js'

/** The format's number; a reader refuses others. */
export const FORMAT = 1

/** A file as its manifest has it. */
export function entryJson({ size, mtime, inode, crc64, key }: Entry): Record<string, unknown> {
  return {
    ...(key === undefined ? {} : { key }),
    size,
    mtime: mtime.toString(),
    // JSON numbers cannot hold larger values exactly: those are written as text.
    inode: inode <= Number.MAX_SAFE_INTEGER ? Number(inode) : inode.toString(),
    ...(crc64 === undefined ? {} : { crc64 }),
  }
}

/** Flags lie beside the components; a component that is called as a flag is has `=` before its name. */
export function setJson({ components, corrupt, kept }: StateSet): Record<string, unknown> {
  const named = [...components].map(
    ([name, entry]) => [name.replace(/^(=*)(corrupt|kept)$/, '=$1$2'), entry] as const,
  )
  return {
    ...object(new Map(named), entryJson),
    ...(corrupt ? { corrupt: true } : {}),
    ...(kept ? { kept: true } : {}),
  }
}

/** Reads what {@link entryJson} made. @throws Error with a phrase that says what is wrong */
export function entryOf(value: unknown): Entry {
  const { size, mtime, inode, crc64, key } = record(value)
  if (crc64 !== undefined && !/^[0-9a-f]{16}$/.test(string(crc64))) throw new Error('a crc64 is none')
  return {
    size: number(size),
    mtime: integer(mtime),
    inode: typeof inode === 'number' ? BigInt(inode) : integer(inode),
    crc64: crc64 === undefined ? undefined : string(crc64),
    key: key === undefined ? undefined : string(key),
  }
}

/** Reads what {@link setJson} made. @throws Error as {@link entryOf} */
export function setOf(value: unknown): StateSet {
  const { corrupt, kept, ...rest } = record(value)
  const components = [...map(rest, component, entryOf)].map(
    ([name, entry]) => [name.replace(/^=(=*)(corrupt|kept)$/, '$1$2'), entry] as const,
  )
  return { components: new Map(components), corrupt: corrupt === true, kept: kept === true }
}

/** A directory's identity as its manifest has it: numbers of 64 bits go as text. */
export function directoryJson({ device, inode }: DirectoryIdentity): Record<string, unknown> {
  return { device: device.toString(), inode: inode.toString() }
}

/** Reads what {@link directoryJson} made. @throws Error as {@link entryOf} */
export function directoryOf(value: unknown): DirectoryIdentity {
  const { device, inode } = record(value)
  return { device: integer(device), inode: integer(inode) }
}

/** Checks the path of an SSTable, of a file or of a directory. @throws Error as {@link entryOf} */
export function path(name: string): void {
  if (!name.startsWith('/') || name.includes('\0'))
    throw new Error(`${JSON.stringify(name)} is no absolute path`)
}

function component(name: string): void {
  if (name === '' || /[/\0]/.test(name)) throw new Error(`${JSON.stringify(name)} is no component`)
}

/** A JSON object from a map, whatever its keys are called. */
function object<V>(entries: ReadonlyMap<string, V>, of: (value: V) => unknown): Record<string, unknown> {
  return Object.fromEntries([...entries].map(([name, value]) => [name, of(value)]))
}

export function map<V>(
  value: unknown,
  check: (name: string) => void,
  of: (value: unknown) => V,
): Map<string, V> {
  const result = new Map<string, V>()
  for (const [name, entry] of Object.entries(record(value))) {
    check(name)
    result.set(name, of(entry))
  }
  return result
}

/** A JSON object. @throws Error as {@link entryOf} */
export function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it holds no object where one belongs')
  return value as Record<string, unknown>
}

/** A text. @throws Error as {@link entryOf} */
export function string(value: unknown): string {
  if (typeof value !== 'string') throw new Error('it holds no text where some belongs')
  return value
}

/** A whole number that is not negative. @throws Error as {@link entryOf} */
export function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new Error('it holds no number where one belongs')
  return value
}

/** Only 64 bits or less: BigInt would need minutes for a text of megabytes. */
function integer(value: unknown): bigint {
  const text = string(value)
  if (!/^-?\d{1,20}$/.test(text)) throw new Error('a number of it is none')
  return BigInt(text)
}

/** A list of texts. @throws Error as {@link entryOf} */
export function strings(value: unknown): string[] {
  if (!Array.isArray(value)) throw new Error('it holds no list where one belongs')
  return value.map(string)
}
