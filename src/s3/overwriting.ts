/**
 * Whether the server refuses to write over an object when it is asked to (If-None-Match): `refused`. `allowed`: it
 * looks past the question, or refuses the header itself. Found out once, for all threads.
 */
export interface Overwriting {
  readonly state: 'unknown' | 'refused' | 'allowed'
  /** It was found out. */
  note(state: 'refused' | 'allowed'): void
}

/** What a client of one thread found out. */
export class OwnOverwriting implements Overwriting {
  #state: Overwriting['state'] = 'unknown'

  get state(): Overwriting['state'] {
    return this.#state
  }

  note(state: 'refused' | 'allowed'): void {
    this.#state = state
  }
}
