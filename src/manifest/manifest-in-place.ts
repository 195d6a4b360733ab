import { parseStateKey, type KeyLayout } from './keys.js'
import { decodeState, type DecodedState } from './manifest-decode.js'
import { contradiction, factsOf } from './manifest-facts.js'
import { corrupt } from './manifest.js'

/**
 * Reads a manifest, and makes sure that it is the one that its key says.
 * @throws TablesnapError `STATE_CORRUPT`, also when it is filed under another unit, or its key says other things of it than it
 * does
 */
export async function decodeManifest(body: Buffer, key: string, keys: KeyLayout): Promise<DecodedState> {
  const root = keys.states('')
  const parse = (text: string) => (text.startsWith(root) ? parseStateKey(text.slice(root.length)) : undefined)
  const parsed = parse(key)
  if (parsed === undefined) throw corrupt(key, 'it is no state of this node')
  const decoded = await decodeState(body, key)
  const { state, delta, own } = decoded
  const { unit, time } = state
  if (parsed.unit !== unit) throw corrupt(key, `it is of unit ${unit}`)
  if (parsed.time !== time) throw corrupt(key, `it is of ${new Date(time).toISOString()}`)
  const { facts } = parsed
  if (facts === undefined) return decoded
  const base = delta === undefined ? undefined : (parse(delta.base)?.time ?? 0)
  const why = contradiction(facts, factsOf(state, delta?.totals ?? own, base))
  if (why !== undefined) throw corrupt(key, why)
  return decoded
}
