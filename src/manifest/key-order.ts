/** Surrogates begin here: code units from here on sort otherwise than the bytes of UTF-8 do. */
const SURROGATES = 0xd800

/** The first code unit after the surrogates. */
const AFTER_SURROGATES = 0xe000

/** Compares keys by their bytes in UTF-8, as a LIST sorts them; JavaScript compares by code units of UTF-16. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [one, other] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (one !== other) return rank(one) - rank(other)
  }
  return a.length - b.length
}

/** Characters beyond U+FFFF, which are pairs of surrogates, come after all others. */
function rank(unit: number): number {
  return unit >= SURROGATES && unit < AFTER_SURROGATES ? unit + SURROGATES : unit
}

/** A text that comes before a key, and of all other keys only before those that begin nearly as it does. */
export function justBefore(key: string): string {
  // Half a surrogate pair cannot be sent.
  const last = key.charCodeAt(key.length - 1)
  const isPair = last >= 0xdc00 && last < AFTER_SURROGATES
  return key.slice(0, isPair ? -2 : -1)
}
