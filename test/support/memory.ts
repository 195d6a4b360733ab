import { readFileSync } from 'node:fs'

/**
 * The most physical memory that a process has used since it began to run its program, bytes. `process.resourceUsage().maxRSS`
 * counts what the process had as a copy of its parent, too.
 */
export function peakMemory(pid: number): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}
