import type { Overwriting } from '../../s3/overwriting.js'

const STATES = ['unknown', 'refused', 'allowed'] as const

/** The knowledge of one thread about overwriting, shared with all threads. */
export class SharedOverwriting implements Overwriting {
  readonly shared: SharedArrayBuffer
  readonly #word: Int32Array

  /** @param shared from another thread's */
  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared
    this.#word = new Int32Array(shared)
  }

  get state(): Overwriting['state'] {
    return STATES[Atomics.load(this.#word, 0)] ?? 'unknown'
  }

  note(state: 'refused' | 'allowed'): void {
    Atomics.store(this.#word, 0, STATES.indexOf(state))
  }
}
