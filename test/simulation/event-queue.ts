/** What inotify says happened. */
export type EventKind =
  | 'created'
  | 'closed'
  | 'moved-in'
  /** DELETE or MOVED_FROM of a file. */
  | 'gone'
  | 'directory-created'
  /** DELETE or MOVED_FROM of a directory, told by the one above. */
  | 'directory-gone'
  /** The watched directory itself was deleted. */
  | 'self-gone'
  | 'overflow'

/** A watch on a directory; it follows the directory, not its path. */
export interface Watch {
  readonly queue: EventQueue
  /** The directory's path when the watch was set. */
  readonly path: string
  isEnded: boolean
}

export interface InotifyEvent {
  readonly kind: EventKind
  readonly watch: Watch | undefined
  readonly name: string
}

/** The kernel's queue of one inotify instance: ordered, and bounded. What does not fit is dropped, and one mark says so. */
export class EventQueue {
  #events: InotifyEvent[] = []
  #next = 0
  #limit: number
  /** Whether a mark is queued that events were dropped. */
  #isMarked = false
  /** How often it overflowed. */
  overflows = 0

  /** @param limit events that it holds */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** From now on it holds so many events. */
  limit(limit: number): void {
    this.#limit = limit
  }

  get length(): number {
    return this.#events.length - this.#next
  }

  /** Whether events may be dropped, and nobody has read the mark that says so. */
  get isOverflowing(): boolean {
    return this.#isMarked
  }

  push(event: InotifyEvent): void {
    if (this.length < this.#limit) this.#events.push(event)
    else if (!this.#isMarked) {
      this.overflows++
      this.#isMarked = true
      this.#events.push({ kind: 'overflow', watch: undefined, name: '' })
    }
  }

  shift(): InotifyEvent | undefined {
    const event = this.#events[this.#next]
    if (event === undefined) return undefined
    if (event.kind === 'overflow') this.#isMarked = false
    if (++this.#next === this.#events.length) {
      this.#events = []
      this.#next = 0
    }
    return event
  }
}
