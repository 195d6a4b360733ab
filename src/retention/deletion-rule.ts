import { PHASES, type Phase } from '../manifest/chop-plan.js'

import { KeepRules, hasKeepFlags, type KeepFlags } from './keep-rules.js'
import type { ChopScope } from './scope.js'

/** The operator's choice. */
export interface RetentionOptions {
  readonly scope: ChopScope
  /** ms. */
  readonly age: number
  readonly keep: KeepFlags
  /** How old a plan must be before it is carried out, ms. */
  readonly grace: number
}

/** How far tables that have no complete restore point, and the newest of any kind, are protected; see {@link DeletionRule}. */
export interface TablePoints {
  /** When the newest restore point of the table was stored, ms since 1970; -Infinity: it has none. */
  readonly newest: number
  readonly hasComplete: boolean
}

/**
 * The rule by which objects go. Per table are kept: the newest complete restore point; the newest complete one not later than the
 * cutoff; every younger one, or those that --keep-… names; the newest of any kind, as a run of tablesnap begins with it; and what
 * each of them builds on. A table without a complete restore point loses nothing. An object goes only if nothing that is
 * kept names it, whichever table that is of, and if it is older than the age and than the newest restore point of its table.
 *
 * The rule is this class alone, so that a test can break each part of it.
 */
export class DeletionRule {
  /** Restore points not later than this are old, ms since 1970. */
  readonly cutoff: number

  /** @param now ms since 1970, by the server's clock */
  constructor(
    readonly options: RetentionOptions,
    now: number,
  ) {
    this.cutoff = now - options.age
  }

  /** Chooses among the restore points of one table. */
  selection(): Selection {
    const { keep } = this.options
    return new Selection(this.cutoff, hasKeepFlags(keep) ? new KeepRules(keep) : undefined, this.keepsNewest)
  }

  /** Whether the newest restore point stays, whatever it is. */
  get keepsNewest(): boolean {
    return true
  }

  /** Whether the full manifest stays that a delta builds on. */
  get keepsBases(): boolean {
    return true
  }

  /** Whether objects below a directory may go. */
  holds(directory: string): boolean {
    return this.options.scope.holds(directory)
  }

  /** Whether a key that a restore point names is kept. @param unit of the restore point */
  keeps(unit: string, key: string): boolean {
    return unit !== '' && key !== ''
  }

  /** Whether an object is old enough. @param lastModified ms since 1970: of a multipart object, when its upload was begun */
  isOld(lastModified: number, { newest, hasComplete }: TablePoints): boolean {
    return hasComplete && lastModified < this.cutoff && lastModified < newest
  }

  /** Whether a plan may be carried out. @param age since node.json names it, ms */
  isRipe(age: number): boolean {
    return age >= this.options.grace
  }

  /** Whether a manifest that came after a plan, and is not kept, keeps what it names from being deleted now. */
  countsNews(): boolean {
    return true
  }

  /** The order in which a plan is carried out. */
  get phases(): readonly Phase[] {
    return PHASES
  }
}

/** Chooses the restore points of one table that stay. They come as readers take them, the newest first. */
export class Selection {
  readonly #cutoff: number
  readonly #rules: KeepRules | undefined
  #isNewestKept: boolean
  #hasComplete = false
  #hasCutoff = false

  constructor(cutoff: number, rules: KeepRules | undefined, keepsNewest: boolean) {
    this.#cutoff = cutoff
    this.#rules = rules
    this.#isNewestKept = keepsNewest
  }

  get hasComplete(): boolean {
    return this.#hasComplete
  }

  /** Whether a complete restore point not later than the cutoff was found. */
  get hasCutoff(): boolean {
    return this.#hasCutoff
  }

  /**
   * Why a restore point stays; for no reason: it goes, once {@link hasComplete}.
   * @param time ms since 1970
   * @param isComplete asks for it only where it matters
   */
  async reasons(time: number, isComplete: () => Promise<boolean>): Promise<string[]> {
    const isOld = time <= this.#cutoff
    const reasons: string[] = this.#isNewestKept ? ['newest'] : []
    this.#isNewestKept = false
    const matters = !this.#hasComplete || (isOld && !this.#hasCutoff) || this.#rules !== undefined
    const complete = matters && (await isComplete())
    if (complete && !this.#hasComplete) reasons.push('newest complete')
    if (complete && isOld && !this.#hasCutoff) reasons.push('at the cutoff')
    this.#hasComplete ||= complete
    this.#hasCutoff ||= complete && isOld
    if (this.#rules !== undefined) reasons.push(...this.#rules.of(time, complete))
    else if (!isOld) reasons.push('young')
    return reasons
  }

  /** Restore points of another kind came before these: what is newest, and what is newest and complete, was among them. */
  follow({ hasComplete }: { readonly hasComplete: boolean }): this {
    this.#isNewestKept = false
    this.#hasComplete = hasComplete
    return this
  }
}
