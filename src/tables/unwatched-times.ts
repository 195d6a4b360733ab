/** The last scans of a directory without a watch. */
interface Scans {
  /** When the last one was reported, ms by the server's clock. */
  readonly reported: number
  /** All that the last one saw was there then, ms by the server's clock; undefined: that is not known. */
  readonly sure: number | undefined
}

/**
 * Until when it is known what lies in the directories of a table of which no event tells: two scans that saw the same show
 * what was there between them, and a later look at an SSTable does not show that no other one has come since.
 */
export class UnwatchedTimes {
  readonly #scans = new Map<string, Scans>()

  /**
   * A directory was scanned.
   * @param isSame whether the scan before saw the same
   * @param time ms by the server's clock
   */
  scanned(directory: string, isWatched: boolean, isSame: boolean, time: number): void {
    if (isWatched) this.#scans.delete(directory)
    else
      this.#scans.set(directory, {
        reported: time,
        sure: isSame ? this.#scans.get(directory)?.reported : undefined,
      })
  }

  lost(directory: string): void {
    this.#scans.delete(directory)
  }

  /** When something was true that was seen at a time in a directory, ms by the server's clock. */
  of(directory: string, time: number): number {
    return Math.min(time, this.#scans.get(directory)?.sure ?? Infinity)
  }
}
