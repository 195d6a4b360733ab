import { isLater } from '../bucket.js'
import type { MakeCore } from '../core.js'
import type { Program } from '../program.js'

import type { Mended } from './fixes.js'
import { OldRecorder } from './old-recorder.js'
import { OldTable } from './old-table.js'

/** What was around the core of c02b973. @param mended faults that are mended in it */
export function oldProgram(mended: Mended = new Set()): Program {
  return {
    isLater: mended.has('epochs') ? isLater : (a, b) => a.time > b.time,
    makeWriter: parts => new OldRecorder(parts, mended),
    isThoroughAtEnd: mended.has('nowatches'),
    forgetsFailures: mended.has('summary'),
  }
}

/** The core of c02b973. @param mended faults that are mended in it */
export function oldCore(mended: Mended = new Set()): MakeCore {
  return (name, settings, disk, orders, clock) => new OldTable(name, settings, disk, orders, clock, mended)
}
