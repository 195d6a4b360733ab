import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { release } from 'node:os'

import { leftPages, lowerPriority, readNeutralSync } from 'tablesnap-io'

import type { Config } from '../config/config.js'
import { errorMessage } from '../errors.js'
import { checkDescriptors, descriptorLimit } from '../node/preflight.js'
import { counted } from '../report/format.js'

import { finding, type Finding } from './finding.js'

/** As a run of a backup has it; see cli/main. */
const NICE = 10

/** What a run asks of the kernel and the limits of its process. @param sample the Data.db of some SSTable that may be read */
export function checkKernel(config: Config, sample: string | undefined): Finding[] {
  const isBackup = config.mode !== 'download'
  return [
    finding('Kernel', 'ok', `Linux ${release()}`, { release: release() }),
    checkFiles(config.engine.threads),
    ...(isBackup ? [checkPriority(sample ?? config.paths[0])] : []),
    ...(isBackup && sample !== undefined ? [checkPageCache(sample)] : []),
  ]
}

function checkFiles(threads: number): Finding {
  const limit = descriptorLimit()
  const fields = { limit, threads }
  try {
    checkDescriptors(threads)
    return finding('Kernel', 'ok', `RLIMIT_NOFILE allows ${counted(limit, 'open file')}`, fields)
  } catch (error) {
    return finding('Kernel', 'failure', errorMessage(error), fields)
  }
}

/** The priorities of this process, which ends soon, become those of a run. */
function checkPriority(path: string | undefined): Finding {
  try {
    lowerPriority(NICE)
  } catch (error) {
    return finding('Kernel', 'warning', `the priority of a run cannot be lowered: ${errorMessage(error)}`)
  }
  const scheduler = path === undefined ? undefined : schedulerOf(path)
  const base = `nice ${NICE} and the idle I/O class can be set`
  if (scheduler === undefined || scheduler === 'bfq') return finding('Kernel', 'ok', base, { nice: NICE })
  const message = `${base}; the disk's I/O scheduler (${scheduler}) ignores the class`
  return finding('Kernel', 'ok', message, { nice: NICE, scheduler })
}

/** The I/O scheduler of the disk below a path: `[none] mq-deadline bfq` in sysfs; undefined: it has none that can be seen. */
function schedulerOf(path: string): string | undefined {
  try {
    const { dev } = statSync(path, { bigint: true })
    // As makedev(3) of glibc puts the two numbers together.
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
    const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn)
    const device = `/sys/dev/block/${major}:${minor}`
    return [`${device}/queue/scheduler`, `${device}/../queue/scheduler`].flatMap(readScheduler)[0]
  } catch {
    return undefined
  }
}

function readScheduler(path: string): string[] {
  try {
    const [, active] = /\[([\w-]+)\]/.exec(readFileSync(path, 'utf8')) ?? []
    return active === undefined ? [] : [active]
  } catch {
    return []
  }
}

/** Reads the beginning of one file as an upload does. */
function checkPageCache(path: string): Finding {
  try {
    const fd = openSync(path, 'r')
    try {
      readNeutralSync(fd, Buffer.alloc(4096), 0, 4096, 0)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    return finding('Kernel', 'failure', `${path} cannot be read: ${errorMessage(error)}`, { path })
  }
  if (!leftPages()) return finding('Kernel', 'ok', 'reads leave the page cache as it was')
  const message =
    "reads stay in the page cache: this user neither owns nor may write the files; run tablesnap as Cassandra's user"
  return finding('Kernel', 'warning', message)
}
