import { statfsSync } from 'node:fs'

import { TablesnapError } from '../errors.js'

import type { Found } from './found.js'
import type { Group } from './group.js'
import { OpenSet } from './open-set.js'

/** How jobs are done. */
export interface JobsOptions {
  /** Jobs at once: so many that add, and so many others. */
  readonly width: number
  /** Descriptors that waiting jobs may hold. */
  readonly descriptors: number
  /** Does one; `open` is undefined when there are no descriptors left. Must not throw. */
  readonly work: (found: Found, open: OpenSet | undefined, signal: AbortSignal) => Promise<void>
  /** One that waited is given up: its disk space is needed. */
  readonly onReleased: (found: Found) => void
  /** Whether a state may yet name the set. */
  readonly isWanted: (group: Group) => boolean
  /** The size of a directory's file system, and what is free of it, bytes. */
  readonly spaceOf?: (directory: string) => Space
}

/** Bytes of a file system. */
interface Space {
  readonly total: number
  readonly free: number
}

/** A complete set on its way. */
interface Job {
  readonly found: Found
  readonly abort: AbortController
  /** Undefined when too many descriptors are held: it is opened when its turn comes. */
  open: OpenSet | undefined
  /** Cassandra has unlinked it: its bytes are free only once it is closed. */
  unlinked: boolean
}

/** Share of a file system that unlinked files may hold, and share of it that must be free while they hold any. */
const UNLINKED_SHARE = 0.05
const FREE_SHARE = 0.02

/** Complete sets on their way, pinned by descriptor as far as those go: what adds comes before what rewrites. */
export class Jobs {
  readonly #options: JobsOptions
  readonly #urgent: Job[] = []
  readonly #others: Job[] = []
  readonly #all = new Set<Job>()
  readonly #running = { urgent: 0, others: 0 }
  #pinned = 0

  constructor(options: JobsOptions) {
    this.#options = options
  }

  add(found: Found): void {
    const job: Job = { found, abort: new AbortController(), open: undefined, unlinked: false }
    if (this.#pinned + found.names.length <= this.#options.descriptors) this.#open(job)
    const queue = found.group.urgent ? this.#urgent : this.#others
    queue.push(job)
    this.#all.add(job)
    this.#pump()
  }

  /** Cassandra has unlinked a set: while it is held open, its disk space is not free. */
  unlinked(group: Group): void {
    const jobs = [...this.#all].filter(job => job.found.group === group && job.open !== undefined)
    for (const job of jobs) job.unlinked = true
    if (jobs.length > 0) this.#spare(group.directory.path)
  }

  /** Lets go of what holds more disk space than it may: what no state needs, then the largest. */
  #spare(directory: string): void {
    const held = [...this.#all].filter(job => job.unlinked && job.open !== undefined)
    let bytes = held.reduce((sum, { open }) => sum + (open?.bytes ?? 0), 0)
    const { total, free } = (this.#options.spaceOf ?? spaceOf)(directory)
    const isOver = () => bytes > 0 && (bytes > total * UNLINKED_SHARE || free < total * FREE_SHARE)
    if (!isOver()) return
    const { isWanted } = this.#options
    const size = (job: Job) => job.open?.bytes ?? 0
    held.sort(
      (a, b) => Number(isWanted(a.found.group)) - Number(isWanted(b.found.group)) || size(b) - size(a),
    )
    for (const job of held) {
      if (!isOver()) return
      bytes -= size(job)
      this.#release(job)
    }
  }

  #release(job: Job): void {
    job.unlinked = false
    job.abort.abort(released(job.found))
    for (const queue of [this.#urgent, this.#others]) {
      const index = queue.indexOf(job)
      if (index < 0) continue
      queue.splice(index, 1)
      this.#end(job, job.open?.files.length ?? 0)
      this.#options.onReleased(job.found)
    }
  }

  /** Opens a set's files at once: from here on Cassandra may unlink them. */
  #open(job: Job): void {
    try {
      job.open = new OpenSet(job.found)
      this.#pinned += job.open.files.length
    } catch (error) {
      if (!(error instanceof TablesnapError)) throw error
      // Tried again when its turn comes.
    }
  }

  #pump(): void {
    while (this.#running.urgent < this.#options.width && this.#start(this.#urgent, 'urgent'));
    while (this.#running.others < this.#options.width && this.#start(this.#others, 'others'));
  }

  #start(queue: Job[], kind: 'urgent' | 'others'): boolean {
    const job = queue.shift()
    if (job === undefined) return false
    this.#running[kind]++
    void this.#work(job).finally(() => {
      this.#running[kind]--
      this.#pump()
    })
    return true
  }

  async #work(job: Job): Promise<void> {
    if (job.open === undefined) this.#open(job)
    const held = job.open?.files.length ?? 0
    try {
      await this.#options.work(job.found, job.open, job.abort.signal)
    } finally {
      this.#end(job, held)
    }
  }

  #end(job: Job, held: number): void {
    job.open?.close()
    this.#all.delete(job)
    this.#pinned -= held
  }
}

/** The reason with which an upload ends whose disk space is needed. */
function released({ directory, group }: Found): TablesnapError {
  return new TablesnapError({
    code: 'RELEASED',
    message: `${group.name} in ${directory} is let go: Cassandra has deleted it, and its disk space is needed`,
    operation: 'upload',
    path: group.path,
  })
}

function spaceOf(directory: string): Space {
  try {
    const { blocks, bavail, bsize } = statfsSync(directory)
    return { total: blocks * bsize, free: bavail * bsize }
  } catch {
    return { total: Infinity, free: Infinity }
  }
}
