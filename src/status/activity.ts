import type { PointKind } from './status.js'

/** Seconds of the rate. */
const SECONDS = 60

/** Upper bounds of the histogram of latencies, s. */
export const LATENCIES = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600] as const

/** Counts what a backup does, as it happens. */
export class Activity {
  readonly #now: () => number
  readonly #began: number
  /** Bytes of the last minute by second, and the second of each. */
  readonly #bytes = new Float64Array(SECONDS)
  readonly #second = new Float64Array(SECONDS).fill(-Infinity)
  readonly #points: Record<PointKind, number> = { complete: 0, partial: 0, unexplained: 0 }
  readonly #failures = new Map<string, number>()
  readonly #latencies = new Array<number>(LATENCIES.length + 1).fill(0)
  #latencySum = 0
  #versions = 0
  #total = 0
  #sstables = 0
  #overflows = 0
  #gaps = 0

  /** @param now ms of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#began = now()
  }

  /** Restore points written, by kind. */
  get points(): Readonly<Record<PointKind, number>> {
    return this.#points
  }

  /** Failed uploads of files by the code of their error. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures
  }

  /** Times from the moment at which an SSTable was seen to be complete until it was in the bucket: count by bound, the last one above all; sum in s. */
  get latency(): { readonly counts: readonly number[]; readonly sum: number } {
    return { counts: this.#latencies, sum: this.#latencySum }
  }

  /** Files whose key held other content: they were uploaded under a key of their own. */
  get versions(): number {
    return this.#versions
  }

  get overflows(): number {
    return this.#overflows
  }

  get gaps(): number {
    return this.#gaps
  }

  /** Bytes a second of the last minute, or of the time since the start where that is shorter. */
  get rate(): number {
    const now = this.#now()
    const second = Math.floor(now / 1000)
    let sum = 0
    for (const [index, bytes] of this.#bytes.entries())
      if (second - (this.#second[index] ?? -Infinity) < SECONDS) sum += bytes
    const seconds = Math.min(SECONDS, Math.max(1, (now - this.#began) / 1000))
    return sum / seconds
  }

  /** Bytes that were sent, those of failed attempts included. */
  get bytes(): number {
    return this.#total
  }

  /** SSTables, and files that belong to none, whose upload ended well. */
  get sstables(): number {
    return this.#sstables
  }

  /** An SSTable was uploaded. */
  finished(): void {
    this.#sstables++
  }

  /** Bytes were sent: of a file, or a part of one. */
  sent(bytes: number): void {
    this.#total += bytes
    const second = Math.floor(this.#now() / 1000)
    const index = second % SECONDS
    if (this.#second[index] !== second) {
      this.#second[index] = second
      this.#bytes[index] = 0
    }
    this.#bytes[index] = (this.#bytes[index] ?? 0) + bytes
  }

  /** An SSTable is in the bucket. @param latency ms since it was seen to be complete */
  durable(latency: number): void {
    const seconds = Math.max(0, latency) / 1000
    const index = LATENCIES.findIndex(bound => seconds <= bound)
    const bucket = index < 0 ? LATENCIES.length : index
    this.#latencies[bucket] = (this.#latencies[bucket] ?? 0) + 1
    this.#latencySum += seconds
  }

  version(): void {
    this.#versions++
  }

  /** The upload of a file failed. */
  failed(code: string): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1)
  }

  published(kind: PointKind): void {
    this.#points[kind]++
  }

  /** The kernel dropped inotify events. */
  overflow(): void {
    this.#overflows++
  }

  /** Changes of a table were missed. */
  gap(): void {
    this.#gaps++
  }
}
