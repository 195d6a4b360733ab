import { counted, formatBytes } from '../report/format.js'

import { lastingReasons, span, unnamedReasons } from './reasons.js'
import type { Status, TableStatus } from './status.js'

/** Tables that the text names which are not protected. */
const NAMED = 20

/** A status as one line of the log. */
export function statusLine(status: Status): string {
  return `Status: ${[...outageOf(status), ...othersOf(status), ...waitingOf(status), protectedOf(status)].join('; ')}`
}

/** The line with which a daemon says that nothing is left to be done. */
export function caughtUpLine({ program, tableCount, protected: { bytes } }: Status): string {
  return `Everything below ${program.paths.join(', ')} is backed up: ${counted(tableCount, 'table')}, ${formatBytes(bytes)}`
}

/** A status for a person at a terminal: lines without line ends. */
export function statusText(status: Status): string[] {
  const { program, s3, totals, errors, failures, failed, isProtected, unprotectedSince, tables } = status
  const since =
    unprotectedSince === null ? '' : ` since ${unprotectedSince} (${age(unprotectedSince, status)})`
  const weak = tables.filter(({ level }) => level !== 'protected')
  return [
    `${program.node} in bucket ${program.bucket}: ${isProtected ? 'everything is protected' : `not everything is protected${since}`}`,
    ...status.reasons.map(reason => `  ! ${reason}`),
    `Protected      ${protectedText(status)}`,
    `Not uploaded   ${waitingText(status)}`,
    `Restore point  ${status.newest === null ? 'none yet' : `${status.newest} (${age(status.newest, status)} ago)`}`,
    `S3             ${s3Text(s3, status)}`,
    `Uploaded       ${counted(totals.files, 'file')}, ${formatBytes(totals.bytes)} since ${program.started}; ${totals.present} were there already`,
    `Watches        ${counted(status.directories.watched, 'directory', 'directories')}, ${status.directories.unwatched} without a watch; ${counted(totals.overflows, 'overflow')}, ${counted(totals.gaps, 'gap')}`,
    `Program        tablesnap ${program.version}${program.commit === null ? '' : ` (${program.commit})`}, pid ${program.pid}; ${program.paths.join(', ')}`,
    `Cost           ${costText(status)}`,
    ...section(`${failed} cannot be backed up:`, failures),
    ...section('Tables that are not protected:', weak.slice(0, NAMED).map(tableText), weak.length - NAMED),
    ...section(
      'Last errors:',
      errors.slice(0, 5).map(({ time, message }) => `${time} ${message}`),
    ),
  ]
}

function section(title: string, lines: readonly string[], more = 0): string[] {
  if (lines.length === 0) return []
  return [title, ...lines.map(line => `  ${line}`), ...(more > 0 ? [`  and ${more} more`] : [])]
}

function tableText({ name, level, waiting, waitingSince, newest }: TableStatus): string {
  const point = newest === null ? 'no restore point' : `${newest.kind} restore point of ${newest.time}`
  const wait =
    waitingSince === null
      ? ''
      : `, ${counted(waiting.sstables, 'SSTable')} (${formatBytes(waiting.bytes)}) waiting since ${waitingSince}`
  return `${name}: ${level}, ${point}${wait}`
}

function outageOf({ s3, waiting }: Status): string[] {
  if (s3.isReachable) return []
  const next = s3.nextTry === null ? '' : `; next try in ${span(Date.parse(s3.nextTry) - Date.now())}`
  return [
    `S3 unreachable since ${s3.since ?? 'the start'} (${s3.error ?? ''}): ${counted(waiting.sstables, 'SSTable')}, ${formatBytes(waiting.bytes)} wait${next}`,
  ]
}

function othersOf({ tables, failed }: Status): string[] {
  return [...lastingReasons(tables, failed), ...unnamedReasons(tables)]
}

function waitingOf(status: Status): string[] {
  const { waiting, s3 } = status
  return waiting.sstables === 0 || !s3.isReachable ? [] : [`not in the bucket yet: ${waitingText(status)}`]
}

function waitingText({ waiting }: Status): string {
  const { sstables, bytes, age, rate, left } = waiting
  if (sstables === 0) return 'nothing'
  const end = left === null ? '' : `, about ${span(left)} left`
  return `${counted(sstables, 'SSTable')} (${formatBytes(bytes)}), the oldest for ${span(age)}; ${formatBytes(rate)}/s in the last minute${end}`
}

/** What the program costs the node. */
function costText({ program, time }: Status): string {
  const life = Math.max(1, Date.parse(time) - Date.parse(program.started))
  const share = ((100 * program.cpu) / life).toFixed(1)
  return `${formatBytes(program.memory)} of memory, ${(program.cpu / 1000).toFixed(1)} s of CPU time (${share} % of a core since the start)`
}

function protectedOf(status: Status): string {
  return `protected: ${protectedText(status)}; newest restore point ${status.newest ?? 'none yet'}`
}

function protectedText({ protected: amount, tableCount }: Status): string {
  return `${amount.tables} of ${counted(tableCount, 'table')}, ${counted(amount.sstables, 'SSTable')}, ${formatBytes(amount.bytes)}`
}

function s3Text({ isReachable, since, error, retries, nextTry }: Status['s3'], status: Status): string {
  const when = since === null ? '' : ` since ${since} (${age(since, status)})`
  const next = nextTry === null ? '' : `, next try at ${nextTry}`
  return `${isReachable ? 'reachable' : 'NOT reachable'}${when}${error === null ? '' : `: ${error}`}; ${counted(retries, 'retry', 'retries')}${next}`
}

function age(time: string, { time: now }: Status): string {
  return span(Date.parse(now) - Date.parse(time))
}
