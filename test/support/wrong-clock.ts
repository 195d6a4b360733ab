import { readFileSync } from 'node:fs'

// Loaded into a process before its own code (NODE_OPTIONS=--import): its time of day is wrong by as many ms as the file that
// WRONG_CLOCK names says. Monotonic clocks stay as they are, as when somebody sets the time of day.

const Right = Date
const file = process.env['WRONG_CLOCK'] ?? ''

class WrongDate extends Right {
  static override now(): number {
    return Right.now() + Number(readFileSync(file, 'utf8'))
  }

  constructor(...values: ConstructorParameters<DateConstructor> | []) {
    if (values.length === 0) super(WrongDate.now())
    else super(...values)
  }
}

globalThis.Date = WrongDate as DateConstructor
