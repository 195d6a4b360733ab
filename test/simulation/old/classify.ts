import { runSeed } from '../seeds.js'

import type { OldFault } from './fixes.js'
import { oldCore, oldProgram } from './old-program.js'

/** The harm that a fault of c02b973 does, as the checks tell of it. */
export const HARM: Readonly<Record<OldFault, RegExp>> = {
  order: /is no cut|and was true at/,
  quota: /newest restore point|neither a restore point|no restore point$/,
  takeover: /--take-over accepted its loss/,
  mend: /is called not backed up, and another manifest has it/,
  nowatches: /a one-shot run says that all is backed up/,
  kept: /no cut, whatever was compacted in a gap/,
  epochs: /-D would bring a restore point of epoch/,
  droprm: /newest restore point names .* which the table does not have/,
  restless: /neither a restore point nor the summary names it|no restore point$/,
  listdeny: /in a row say the same/,
  summary: /the summary says that its upload failed/,
  corrupt: /cannot be read, and none follows it/,
  busy: /is said to have vanished|is marked as unexplained, and nobody/,
  index: /one half of a flush/,
  files: /lacks .*, which was there before its writer/,
}

export const OLD_FAULTS = Object.keys(HARM) as readonly OldFault[]

/** What goes wrong with the code of c02b973 in the history of a seed. @param mended faults that are mended in it */
export async function oldViolation(seed: number, ...mended: OldFault[]): Promise<string | undefined> {
  const faults = new Set(mended)
  return (await runSeed(seed, oldCore(faults), oldProgram(faults))).violation
}

/**
 * The fault of c02b973 by which a history goes wrong: it does its harm there, the harm is gone once it alone is mended, and is
 * there when any other one is. Undefined: it is none of those asked for, or more than one plays a part.
 * @param wanted faults that it may be
 */
export async function faultOf(
  seed: number,
  violation: string,
  wanted: Iterable<OldFault>,
): Promise<OldFault | undefined> {
  for (const fault of wanted) {
    const isHarm = (told: string | undefined) => told !== undefined && HARM[fault].test(told)
    if (!isHarm(violation) || isHarm(await oldViolation(seed, fault))) continue
    let isAlone = true
    for (const other of OLD_FAULTS)
      if (isAlone && other !== fault) isAlone = isHarm(await oldViolation(seed, other))
    if (isAlone) return fault
  }
  return undefined
}
