/** Something that is to happen at an instant. */
interface Entry {
  readonly time: number
  readonly order: number
  work: (() => void) | undefined
}

/** Virtual time: runs what is due, in the order of its instants; what has the same instant runs in the order it was added. */
export class Scheduler {
  readonly #heap: Entry[] = []
  #order = 0
  #now = 0

  /** ms since the history began. */
  get now(): number {
    return this.#now
  }

  /** Runs `work` in `delay` ms; the result cancels it. */
  after(delay: number, work: () => void): () => void {
    const entry: Entry = { time: this.#now + Math.max(0, delay), order: this.#order++, work }
    this.#push(entry)
    return () => (entry.work = undefined)
  }

  /** Lets `duration` ms go by. */
  advance(duration: number): void {
    const end = this.#now + duration
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.time > end) break
      this.#run(next)
    }
    if (end > this.#now) this.#now = end
  }

  /** Lets time go by until the next thing happens, at most until `end`. Returns whether something happened. */
  next(end: number): boolean {
    let next = this.#heap[0]
    while (next !== undefined && next.work === undefined) {
      this.#pop()
      next = this.#heap[0]
    }
    if (next === undefined || next.time > end) {
      if (end > this.#now) this.#now = end
      return false
    }
    this.#run(next)
    return true
  }

  #run(next: Entry): void {
    this.#pop()
    const { work } = next
    if (work === undefined) return
    // A callback may let time go by itself.
    if (next.time > this.#now) this.#now = next.time
    next.work = undefined
    work()
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!isBefore(entry, heap[above]!)) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      if (!isBefore(heap[below]!, last)) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = last
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
