/**
 * Whether the server refuses to write over an object when it is asked to (If-None-Match): `refused`. `allowed`: it
 * looks past the question, or refuses the header itself. Found out once, for all threads.
 */
export interface Overwriting {
  state: 'unknown' | 'refused' | 'allowed'
}
