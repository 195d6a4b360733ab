/**
 * How bad a finding is. `broken`: something cannot be restored. `danger`: something is not backed up, or may be lost. `note`: it
 * costs money, or could not be told; a note does not change the exit code.
 */
export const SEVERITIES = ['broken', 'danger', 'note'] as const
export type Severity = (typeof SEVERITIES)[number]

/** One thing that is wrong with a bucket, as one line of the report. */
export interface Finding {
  /** What kind of thing it is: `object-missing`, …; docs/tablecheck.md lists them. */
  readonly kind: string
  readonly severity: Severity
  /** The table, or other directory, that it is about; undefined: the node or the bucket. */
  readonly unit?: string | undefined
  /** What is wrong, and what it means. */
  readonly message: string
  /** A command line, or what to do, that mends it. */
  readonly mend?: string | undefined
  /** Keys or paths, the first ones of many. */
  readonly examples?: readonly string[]
  /** How many objects, files or moments. */
  readonly count?: number
  readonly bytes?: number
}

/** Keys and paths that a finding shows. */
export const EXAMPLES = 3

/** Findings in the order of the report: the worst first, then by table. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity)
  return findings
    .map((finding, index) => ({ finding, index }))
    .sort(
      (a, b) =>
        rank(a.finding) - rank(b.finding) ||
        compare(a.finding.unit ?? '', b.finding.unit ?? '') ||
        a.index - b.index,
    )
    .map(({ finding }) => finding)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Counts things and keeps the first of them as examples. */
export class Sample {
  #count = 0
  #bytes = 0
  readonly #examples: string[] = []

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get examples(): readonly string[] {
    return this.#examples
  }

  /** Takes over all that another one has. */
  addAll(more: Sample): void {
    for (const example of more.#examples) if (this.#examples.length < EXAMPLES) this.#examples.push(example)
    this.#count += more.#count
    this.#bytes += more.#bytes
  }

  add(example: string, bytes = 0): void {
    this.#count++
    this.#bytes += bytes
    if (this.#examples.length < EXAMPLES) this.#examples.push(example)
  }

  /** The examples as a phrase: `a, b and 3 more`. */
  get text(): string {
    const more = this.count - this.examples.length
    return `${this.examples.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  }
}
