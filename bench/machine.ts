import { execFile } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

import { MIB } from './figure.js'
import { program } from './program.js'

const run = promisify(execFile)

/** What figures were taken on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** Bytes. */
  readonly memory: number
  readonly linux: string
  readonly node: string
  /** User-space speed, MiB/s: CRC-32 byte by byte in plain C, and JSON there and back in Node. */
  readonly crc: number
  readonly json: number
}

/** Rounds of which the fastest counts. */
const ROUNDS = 10

/** Looks at this machine, which takes half a second. */
export async function machine(): Promise<Machine> {
  const all = cpus()
  const { stdout } = await run(await program('speed'), [])
  return {
    cpu: all[0]?.model ?? '',
    cores: all.length,
    memory: totalmem(),
    linux: release(),
    node: process.version,
    crc: Number(stdout.split(' ')[0]),
    json: jsonSpeed(),
  }
}

/** In one line. */
export function describe({ cores, cpu, linux, node, crc, json }: Machine): string {
  return `${cores} cores (${cpu}), Linux ${linux}, Node ${node}; user space: CRC-32 in plain C ${crc} MiB/s, JSON in Node ${json.toFixed(0)} MiB/s`
}

/** A text of entries like those of a manifest, parsed and written again, MiB/s. */
function jsonSpeed(): number {
  const entries = Array.from({ length: 2_000 }, (_, i) => ({
    path: `/var/lib/cassandra/data/ks/t-0a1b2c3d/nb-${i}-big-Data.db`,
    size: i * 4_711,
    mtime: `${1_700_000_000_000_000_000n + BigInt(i)}`,
  }))
  const text = JSON.stringify(entries)
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    const again = JSON.stringify(JSON.parse(text))
    const rate = again.length / MIB / ((performance.now() - began) / 1000)
    best = Math.max(best, rate)
  }
  return best
}
