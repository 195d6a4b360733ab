/** Offset and multipliers of two lanes of an FNV-1a hash over code units, and those of their mixing at the end. */
const OFFSET = 0x811c9dc5
const [PRIME_A, PRIME_B] = [0x01000193, 0x9e3779b1] as const
const [MIX_A, MIX_B] = [0x85ebca6b, 0xc2b2ae35] as const

/** 53 bits of a text: among a million texts two have the same with a probability of 1 in 18,000. */
export function hashOf(text: string): number {
  let a = OFFSET
  let b = OFFSET ^ text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, PRIME_A)
    b = Math.imul(b ^ unit, PRIME_B)
    b ^= b >>> 15
  }
  return mixed(a ^ (b >>> 7)) * 0x200000 + (mixed(b ^ (a << 9)) >>> 11)
}

function mixed(lane: number): number {
  let bits = Math.imul(lane ^ (lane >>> 16), MIX_A)
  bits = Math.imul(bits ^ (bits >>> 13), MIX_B)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** How full a set gets before it grows. */
const LOAD = 0.6

/**
 * A set of keys of which only hashes are kept: some 20 bytes for each, however long they are. It may say that it has a key that
 * it has not, once in a thousand million questions; never the other way. Use it where that side is the safe one.
 */
export class KeySet {
  #slots = new Float64Array(16)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(key: string): void {
    if (this.#size >= this.#slots.length * LOAD) this.#grow()
    if (insert(this.#slots, stored(key))) this.#size++
  }

  has(key: string): boolean {
    const hash = stored(key)
    const slots = this.#slots
    for (let at = placeOf(hash, slots.length); ; at = (at + 1) & (slots.length - 1)) {
      const other = slots[at]
      if (other === hash) return true
      if (other === 0) return false
    }
  }

  #grow(): void {
    const larger = new Float64Array(this.#slots.length * 2)
    for (const hash of this.#slots) if (hash !== 0) insert(larger, hash)
    this.#slots = larger
  }
}

/** A slot that is zero is free. */
function stored(key: string): number {
  return hashOf(key) || 1
}

function placeOf(hash: number, slots: number): number {
  return (hash % 0x100000000) & (slots - 1)
}

/** @returns whether it was not there */
function insert(slots: Float64Array, hash: number): boolean {
  let at = placeOf(hash, slots.length)
  for (; slots[at] !== 0; at = (at + 1) & (slots.length - 1)) if (slots[at] === hash) return false
  slots[at] = hash
  return true
}
