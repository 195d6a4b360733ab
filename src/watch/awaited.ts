/** How often a path that is not there is looked for, ms. */
const LOOK = 1_000

/** Watched paths that are not there, and are looked for until they are. */
export class AwaitedPaths {
  readonly #paths = new Set<string>()
  readonly #look: (path: string) => boolean
  #timer: NodeJS.Timeout | undefined

  /** @param look takes a path up if it is there; returns whether it need not be looked for any more */
  constructor(look: (path: string) => boolean) {
    this.#look = look
  }

  /** @returns whether it was not waited for before */
  add(path: string): boolean {
    if (this.#paths.has(path)) return false
    this.#paths.add(path)
    this.#timer ??= setInterval(() => this.#tick(), LOOK)
    return true
  }

  close(): void {
    this.#paths.clear()
    this.#tick()
  }

  #tick(): void {
    for (const path of [...this.#paths]) if (this.#look(path)) this.#paths.delete(path)
    if (this.#paths.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
