import { gunzipSync, gzipSync } from 'node:zlib'

import { TablesnapError, errorMessage } from '../errors.js'

import type { Delta, DirectoryIdentity, Entry, State, StateSet } from './state.js'

/** The format's number; a reader refuses others. */
const FORMAT = 1

/** Bytes of a state's JSON beyond which it is not believed: a table of a million files has less. */
const MAX_JSON = 256 * 1024 * 1024

/** A state as it lies in the bucket: full, or a delta. */
export interface StoredState {
  readonly state: State
  /** Undefined: the state is full. */
  readonly delta: Delta | undefined
}

/** Writes a state's gzipped JSON; see DESIGN: `states/<unit>/…json.gz`. */
export function encodeState({ state, delta }: StoredState): Buffer {
  const value = {
    format: FORMAT,
    node: state.node,
    epoch: state.epoch,
    unit: state.unit,
    time: new Date(state.time).toISOString(),
    base: delta?.base ?? null,
    gap: state.gap,
    unexplained: state.unexplained,
    directories: object(state.directories, ({ device, inode }) => ({
      device: device.toString(),
      inode: inode.toString(),
    })),
    sets: object(state.sets, setJson),
    files: object(state.files, entryJson),
    removed: delta?.removed ?? [],
    unprotected: state.unprotected,
    ...(state.unlisted === true ? { unlisted: true } : {}),
  }
  return gzipSync(JSON.stringify(value), { level: 1 })
}

/** Reads what {@link encodeState} wrote. @throws TablesnapError `STATE_CORRUPT` */
export function decodeState(body: Buffer, key: string): StoredState {
  try {
    const text = gunzipSync(body, { maxOutputLength: MAX_JSON }).toString('utf8')
    const value = record(JSON.parse(text))
    if (value['format'] !== FORMAT) throw new Error(`its format is ${String(value['format'])}, not ${FORMAT}`)
    const time = Date.parse(string(value['time']))
    if (Number.isNaN(time)) throw new Error('its time is none')
    const state: State = {
      node: string(value['node']),
      epoch: number(value['epoch']),
      unit: string(value['unit']),
      time,
      gap: value['gap'] === true,
      unexplained: strings(value['unexplained']),
      sets: map(value['sets'], path, setOf),
      files: map(value['files'], path, entryOf),
      unprotected: strings(value['unprotected']),
      directories: map(value['directories'], path, directoryOf),
      ...(value['unlisted'] === true ? { unlisted: true as const } : {}),
    }
    const base = value['base']
    const removed = strings(value['removed'])
    return { state, delta: base === null ? undefined : { base: string(base), removed } }
  } catch (cause) {
    throw new TablesnapError({
      code: 'STATE_CORRUPT',
      message: `state ${key} cannot be used: ${errorMessage(cause)}`,
      operation: 'read state',
      key,
      cause,
    })
  }
}

function entryJson({ size, mtime, inode, crc64, key }: Entry): Record<string, unknown> {
  return {
    ...(key === undefined ? {} : { key }),
    size,
    mtime: mtime.toString(),
    // What JSON's numbers cannot hold goes as text.
    inode: inode <= Number.MAX_SAFE_INTEGER ? Number(inode) : inode.toString(),
    ...(crc64 === undefined ? {} : { crc64 }),
  }
}

/** Flags lie beside the components; a component that is called as a flag is has `=` before its name. */
function setJson({ components, corrupt, kept }: StateSet): Record<string, unknown> {
  const named = [...components].map(
    ([name, entry]) => [name.replace(/^(=*)(corrupt|kept)$/, '=$1$2'), entry] as const,
  )
  return {
    ...object(new Map(named), entryJson),
    ...(corrupt ? { corrupt: true } : {}),
    ...(kept ? { kept: true } : {}),
  }
}

function entryOf(value: unknown): Entry {
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

function setOf(value: unknown): StateSet {
  const { corrupt, kept, ...rest } = record(value)
  const components = [...map(rest, component, entryOf)].map(
    ([name, entry]) => [name.replace(/^=(=*)(corrupt|kept)$/, '$1$2'), entry] as const,
  )
  return { components: new Map(components), corrupt: corrupt === true, kept: kept === true }
}

function directoryOf(value: unknown): DirectoryIdentity {
  const { device, inode } = record(value)
  return { device: integer(device), inode: integer(inode) }
}

function path(name: string): void {
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

function map<V>(value: unknown, check: (name: string) => void, of: (value: unknown) => V): Map<string, V> {
  const result = new Map<string, V>()
  for (const [name, entry] of Object.entries(record(value))) {
    check(name)
    result.set(name, of(entry))
  }
  return result
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it holds no object where one belongs')
  return value as Record<string, unknown>
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw new Error('it holds no text where some belongs')
  return value
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new Error('it holds no number where one belongs')
  return value
}

/** Of 64 bits or less: BigInt would take minutes over a text of megabytes. */
function integer(value: unknown): bigint {
  const text = string(value)
  if (!/^-?\d{1,20}$/.test(text)) throw new Error('a number of it is none')
  return BigInt(text)
}

function strings(value: unknown): string[] {
  if (!Array.isArray(value)) throw new Error('it holds no list where one belongs')
  return value.map(string)
}
