/** A place for log lines that never makes the program wait. */
export interface LineOutput {
  /** Whether one write may hold several lines; a socket for datagrams takes one message a write. */
  readonly joins: boolean
  /**
   * Writes what can be written at once.
   * @returns bytes that were taken; 0 where none can be taken now
   * @throws Error as those of `node:fs`, where nobody can take any: EPIPE, ENOSPC, ECONNREFUSED
   */
  write(data: Uint8Array, offset: number): number
  /** The line that says how many lines were dropped before it. */
  lossLine(count: number): string
}

/** Characters that wait for a reader. What is older is dropped. */
const MOST_WAITING = 1024 * 1024

/** Characters that are written without waiting for the end of this turn of the event loop. */
const MOST_IN_TURN = 64 * 1024

/** Pauses between two tries while nobody reads, ms. */
const FIRST_PAUSE = 5
const LONGEST_PAUSE = 500

/** How long the end of a run waits for a reader that takes nothing, ms. */
const PATIENCE = 5_000

/**
 * Log lines on their way to a reader that may be slow, stuck, or gone. The program must never wait for it: a backup goes on whoever
 * reads its log. Lines wait here, in bounded memory; the oldest are dropped and counted, so that the newest, among them the summary,
 * are there when the reader is back. The count is said where the lines are missing.
 */
export class LineQueue {
  readonly #output: LineOutput
  readonly #most: number
  #lines: string[] = []
  /** Index of the first line that waits. */
  #first = 0
  #characters = 0
  #dropped = 0
  /** The bytes that are being written: whole lines; the reader may have a part of them already. */
  #current: Buffer | undefined
  #at = 0
  #pause = FIRST_PAUSE
  #timer: NodeJS.Timeout | undefined
  #scheduled = false

  /** @param most characters that may wait */
  constructor(output: LineOutput, most = MOST_WAITING) {
    this.#output = output
    this.#most = most
  }

  /** Adds a line, with its line break where the output needs one. It goes out with all others of this turn of the event loop. */
  add(line: string): void {
    this.#lines.push(line)
    this.#characters += line.length
    while (this.#characters > this.#most) this.#drop()
    if (this.#timer !== undefined) return
    if (this.#characters > MOST_IN_TURN) this.pump()
    else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.pump())
    }
  }

  /** Whether every line is out. */
  get isEmpty(): boolean {
    return this.#current === undefined && this.#first === this.#lines.length && this.#dropped === 0
  }

  /** Writes what the output takes now. @returns whether there may be more to do later; false where nobody can take any */
  pump(): boolean {
    this.#scheduled = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      while (this.#load()) {
        const current = this.#current ?? Buffer.alloc(0)
        const count = this.#output.write(current, this.#at)
        if (count === 0) {
          this.#wait()
          return true
        }
        this.#pause = FIRST_PAUSE
        this.#at += count
        if (this.#at >= current.length) this.#current = undefined
      }
      return true
    } catch {
      // The reader has gone, or the disk is full. Another reader may come: of a named pipe, of syslog's socket.
      this.#wait()
      return false
    }
  }

  /**
   * Waits until all lines are out. A reader may be slow, but ends the wait when it takes nothing for `patience` ms, and at once when it
   * has gone.
   */
  async flush(patience = PATIENCE): Promise<void> {
    let since = performance.now()
    let left = this.#left
    while (!this.isEmpty) {
      if (!this.pump()) return
      if (this.#left < left) since = performance.now()
      else if (performance.now() - since > patience) return
      left = this.#left
      await new Promise(resolve => setTimeout(resolve, FIRST_PAUSE))
    }
  }

  /** How much is not out yet; it gets less with every byte that the output takes. */
  get #left(): number {
    return this.#characters + (this.#current === undefined ? 0 : this.#current.length - this.#at)
  }

  /** Puts the next lines into {@link #current}. @returns whether there are any */
  #load(): boolean {
    if (this.#current !== undefined) return true
    this.#at = 0
    if (this.#dropped > 0) {
      this.#current = Buffer.from(this.#output.lossLine(this.#dropped))
      this.#dropped = 0
      return true
    }
    let text = ''
    while (this.#first < this.#lines.length) {
      text += this.#take()
      if (!this.#output.joins || text.length > MOST_IN_TURN) break
    }
    if (text === '') return false
    this.#current = Buffer.from(text)
    return true
  }

  #drop(): void {
    this.#take()
    this.#dropped++
  }

  #take(): string {
    const line = this.#lines[this.#first++] ?? ''
    this.#characters -= line.length
    if (this.#first === this.#lines.length || this.#first > 1024) {
      this.#lines = this.#lines.slice(this.#first)
      this.#first = 0
    }
    return line
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.pump(), this.#pause).unref()
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2)
  }
}
