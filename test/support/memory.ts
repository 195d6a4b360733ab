import { readFileSync } from 'node:fs'

/** The most physical memory that a process has used, bytes (VmHWM); undefined once it is gone. */
export function peakMemory(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}

/** How much this process's peak memory has grown, MiB. @param before its peak memory then, bytes */
export function grownSince(before: number | undefined): number {
  return Math.round(((peakMemory(process.pid) ?? NaN) - (before ?? NaN)) / 2 ** 20)
}
