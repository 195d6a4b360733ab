import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'

import { volumeId } from 'tablesnap-io'

import { formerIds } from './former-writer.js'
import { isEc2 } from './imds.js'

/** Who writes under a node's name. All identities are hashes: they tell one writer from another, and nothing of either. */
export interface Writer {
  /** Identifies the machine; where it has no id, the host name does. */
  readonly id: string
  /** Whether `id` is that of a machine. */
  readonly isMachine: boolean
  /** Ids of the volumes that hold the paths. The volume of `/` is left out: cloned machines share its id. */
  readonly volumes: readonly string[]
  /** The host name, for people; the name of the pod in Kubernetes. */
  readonly host: string
  /** The identities that earlier versions gave to this writer. */
  readonly formerIds: readonly string[]
}

const DMI = '/sys/class/dmi/id'

/**
 * The machine (EC2 instance id, else machine-id) and the volumes of the paths. No device number and no mount point counts: they
 * change when a volume is attached elsewhere. Nor does the order of the paths.
 */
export function writerOf(paths: readonly string[]): Writer {
  const host = hostname()
  const machine = instanceId() ?? read('/etc/machine-id')
  return {
    id: hash(machine === '' ? `host\0${host}` : `machine\0${machine}`),
    isMachine: machine !== '',
    volumes: volumesOf(paths).map(id => hash(`volume\0${id}`)),
    host,
    formerIds: formerIds(machine === '' ? host : machine, paths),
  }
}

/** Nitro instances have their id as the board's asset tag. */
function instanceId(): string | undefined {
  const tag = isEc2(DMI) ? read(join(DMI, 'board_asset_tag')) : ''
  return /^i-[0-9a-f]+$/.test(tag) ? tag : undefined
}

function volumesOf(paths: readonly string[]): string[] {
  const root = statSync('/').dev
  const volumes = new Set<string>()
  for (const path of paths) {
    const directory = existing(path)
    try {
      if (statSync(directory).dev === root) continue
      const fd = openSync(directory, 'r')
      try {
        const id = volumeId(fd)
        if (id !== undefined) volumes.add(id)
      } finally {
        closeSync(fd)
      }
    } catch {
      // Whoever backs the path up says why it cannot be read.
    }
  }
  return [...volumes].sort()
}

/** A path, or, while it is still to come, the directory that it will lie in. */
function existing(path: string): string {
  try {
    if (path === '/' || statSync(path, { throwIfNoEntry: false }) !== undefined) return path
  } catch {
    return path
  }
  return existing(dirname(path))
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
