import { dirname } from 'node:path'

import { crc64nvme } from 'tablesnap-io'

import { KeyLayout } from '../../src/manifest/keys.js'
import type { StoredState } from '../../src/manifest/manifest.js'
import type { Entry, State, StateSet } from '../../src/manifest/state.js'
import { States } from '../../src/manifest/states.js'
import type { S3Client } from '../../src/s3/client.js'

import { COMPONENTS, TABLE } from './support.js'

/** The unit of {@link TABLE}. */
export const UNIT = TABLE.slice('/var/lib/cassandra/data/'.length)

export const KEYS = new KeyLayout('', 'node1', ':')

/** The hour of the moments of tests: minute and second. */
export function at(minute: number, second = 0): number {
  return Date.UTC(2026, 10, 23, 4, minute, second)
}

export const STORAGE = { storageClass: undefined, sse: undefined, kmsKeyId: undefined }

/** A file as a state names it. */
export function entry(content: string | Buffer, key?: string): Entry {
  const body = Buffer.from(content)
  const crc64 = crc64nvme(body).toString(16).padStart(16, '0')
  return { size: body.length, mtime: 1795406227843000000n, inode: 42n, crc64, key }
}

/** The components of a set with this content, by component. */
export function components(set: string, content = 'content'): Map<string, Entry> {
  return new Map(COMPONENTS.map(component => [component, entry(`${content} of ${set}-${component}`)]))
}

/** A set as a state names it. @param name of the set, e.g. `nb-1-big` */
export function stateSet(name: string, more: Partial<StateSet> = {}): StateSet {
  return { components: components(name), corrupt: false, kept: false, ...more }
}

/** A state of {@link UNIT}: these sets of the table, and what else is said of it. */
export function state(time: number, names: readonly string[], more: Partial<State> = {}): State {
  const sets = new Map(names.map(name => [`${TABLE}/${name}`, stateSet(name)]))
  return {
    node: 'node1',
    epoch: 1,
    unit: UNIT,
    time,
    gap: false,
    unexplained: [],
    sets,
    files: new Map(),
    unprotected: [],
    directories: new Map(
      [TABLE, ...[...sets.keys()].map(dirname)].map(path => [path, { device: 1n, inode: 1n }]),
    ),
    ...more,
  }
}

/** Writes states of a node as the daemon does. @returns their keys */
export async function write(
  client: S3Client,
  node: string,
  ...states: (State | StoredState)[]
): Promise<string[]> {
  const writer = new States(client, new KeyLayout('', node, ':'))
  const keys: string[] = []
  for (const one of states) {
    const { state, delta } = 'state' in one ? one : { state: one, delta: undefined }
    keys.push((await writer.write({ state: { ...state, node }, delta }, STORAGE)).key)
  }
  return keys
}
