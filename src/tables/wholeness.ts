import type { Look } from './seen-files.js'

/** When an SSTable became whole, by the number of drained points (see Table): later than `after`, not later than `until`. */
export interface WholeSpan {
  readonly after: number
  /** Undefined: it is not whole, as far as is known. */
  readonly until: number | undefined
  /** When it was first seen to be whole: by the server's clock, and by the monotonic one, ms. */
  readonly time: number
  readonly at: number
}

const NOTHING: readonly string[] = []

/** When one SSTable became whole, and whether it was before a file of it went: kept from look to look. */
export class Wholeness {
  #span: WholeSpan
  #isTorn = false
  /** It was whole, and has lost a file since. */
  #isBreaking = false
  #missing: readonly string[] = NOTHING

  /** @param drains how many drained points the table had when the SSTable was first seen */
  constructor(drains: number) {
    this.#span = { after: drains, until: undefined, time: 0, at: 0 }
  }

  get span(): WholeSpan {
    return this.#span
  }

  /** Whether a file of it was there and went before anybody had judged it: it may have been whole. */
  get isTorn(): boolean {
    return this.#isTorn
  }

  /** Components that it must have and lacked at the last look at which it was incomplete. */
  get missing(): readonly string[] {
    return this.#missing
  }

  /**
   * All files that it must have are there.
   * @param look what the look showed that this follows from
   * @param seen the number of drained points, and the time by the monotonic and the server's clock, ms
   * @param isRestless whether nobody waits any longer for it to come to rest
   */
  whole(
    look: Look,
    { drains, now, time }: { drains: number; now: number; time: number },
    isRestless: boolean,
  ): void {
    const { after, until } = this.#span
    this.#isBreaking = false
    if (until === undefined) this.#span = { after, until: drains + 1, time, at: now }
    // What it was until now may have been whole, too: no restore point may lack it, until nobody waits for it any longer.
    else if (look.hasChanged)
      this.#span = { after: isRestless ? drains : after, until: drains + 1, time, at: now }
  }

  /**
   * A file that it must have is missing: it becomes whole later than now; unless it was whole, and what is missing was
   * there, as when it is being deleted.
   * @param missing the components that it lacks; none: it is still being written, or obsolete
   */
  incomplete(look: Look, drains: number, missing: readonly string[]): void {
    this.#missing = missing
    this.#isBreaking = this.#span.until !== undefined && (look.hasLost || this.#isBreaking)
    if (this.#isBreaking) return
    this.#isTorn ||= look.hasLost
    this.#span = { after: drains, until: undefined, time: 0, at: 0 }
  }

  /** It became part of the table at any time until now. @param time ms by the server's clock */
  extend(drains: number, time: number): void {
    if (this.#span.until !== undefined) this.#span = { ...this.#span, until: drains + 1, time }
  }
}
