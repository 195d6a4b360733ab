import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'

import { isEc2 } from './imds.js'

/** Who writes under a node's name. */
export interface Writer {
  /** The same after a restart of the machine; says nothing about it. */
  readonly id: string
  /** For people. */
  readonly host: string
}

const DMI = '/sys/class/dmi/id'
const DISKS = '/dev/disk/by-uuid'

/** The machine (EC2 instance id, else machine-id) with the file system of the first path. */
export function writerOf(path: string): Writer {
  const host = hostname()
  const machine = instanceId() ?? (read('/etc/machine-id') || host)
  const id = createHash('sha256')
    .update(`${machine}\0${fileSystemOf(path)}`)
    .digest('hex')
    .slice(0, 32)
  return { id, host }
}

/** Nitro instances have their id as the board's asset tag. */
function instanceId(): string | undefined {
  const tag = isEc2(DMI) ? read(join(DMI, 'board_asset_tag')) : ''
  return /^i-[0-9a-f]+$/.test(tag) ? tag : undefined
}

/** What stays with a file system: its UUID, or how it is mounted where it has none. */
function fileSystemOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  // It may be still to come.
  if (stat === undefined) return path === '/' ? '' : fileSystemOf(dirname(path))
  const { dev } = stat
  try {
    for (const uuid of readdirSync(DISKS)) if (statSync(join(DISKS, uuid)).rdev === dev) return uuid
  } catch {
    // A container without the host's disks.
  }
  const number = `${dev >> 8}:${dev & 0xff}`
  for (const line of read('/proc/self/mountinfo').split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    if (before.split(' ')[2] === number) return after.split(' ').slice(0, 2).join(' ')
  }
  return ''
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
