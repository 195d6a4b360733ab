/** A command line in which every value of a repeatable flag has the flag before it, and what is to be said about that. */
export interface Spelled {
  readonly argv: readonly string[]
  readonly warnings: readonly string[]
}

/** A flag whose value is the argument that follows it. */
export interface ValuedFlag {
  /** `-e`, also for `-re`. */
  readonly flag: string
  /** Whether it takes all values that follow it. */
  readonly takesAll: boolean
}

/** Bucket and path: with these two a command line of the Python tablesnap is complete. */
const POSITIONALS = 2

/**
 * Spells `BUCKET PATH -e snapshots/ backups/` as `BUCKET PATH -e snapshots/ -e backups/`. The Python tablesnap gives all values that follow
 * `-e` or `-i` to the flag. So does this one once bucket and path have been given; before them only one, so that
 * `-e snapshots/ BUCKET PATH` works, which the Python tablesnap refused.
 * @param flagOf undefined where the next argument is no value
 */
export function spellValues(
  argv: readonly string[],
  flagOf: (argument: string) => ValuedFlag | undefined,
): Spelled {
  const spelled: string[] = []
  const warnings: string[] = []
  let positionals = 0
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? ''
    spelled.push(argument)
    if (argument === '--') {
      spelled.push(...argv.slice(at + 1))
      break
    }
    if (!isFlag(argument)) positionals++
    const valued = flagOf(argument)
    if (valued === undefined) continue
    const value = argv[++at]
    if (value !== undefined) spelled.push(value)
    if (!valued.takesAll || positionals < POSITIONALS) continue
    const { flag } = valued
    for (let next = argv[at + 1]; next !== undefined && !isFlag(next); next = argv[++at + 1]) {
      spelled.push(flag, next)
      if (next.startsWith('/')) warnings.push(warningOf(flag, next))
    }
  }
  return { argv: spelled, warnings }
}

function isFlag(argument: string): boolean {
  return argument.startsWith('-') && argument !== '-'
}

function warningOf(flag: string, value: string): string {
  return (
    `${flag}: "${value}" is read as one more regular expression of ${flag}, as the Python tablesnap does; ` +
    `a path belongs before ${flag}`
  )
}
