import { dirname } from 'node:path'

import { unitOf } from '../../../src/cassandra/unit.js'
import { PHASES, type Phase } from '../../../src/manifest/chop-plan.js'
import { DeletionRule, type TablePoints } from '../../../src/retention/deletion-rule.js'

import type { Mutation } from './history.js'

class NoBase extends DeletionRule {
  override get keepsBases(): boolean {
    return false
  }
}

class NoNewest extends DeletionRule {
  override get keepsNewest(): boolean {
    return false
  }
}

class NoOtherTables extends DeletionRule {
  override keeps(unit: string, key: string): boolean {
    const path = key.slice(key.indexOf(':') + 1)
    return key.includes('/versions/') || unitOf(dirname(path)) === unit
  }
}

class BelievesLastModified extends DeletionRule {
  override isOld(lastModified: number, { hasComplete }: TablePoints): boolean {
    return hasComplete && lastModified < this.cutoff
  }
}

class NoHour extends DeletionRule {
  override isRipe(): boolean {
    return true
  }
}

class PlanNotReadAgain extends DeletionRule {
  override countsNews(): boolean {
    return false
  }
}

class FilesFirst extends DeletionRule {
  override get phases(): readonly Phase[] {
    return [...PHASES].reverse()
  }
}

class PrefixForPath extends DeletionRule {
  override holds(directory: string): boolean {
    return directory.startsWith(this.options.scope.path)
  }
}

/** Each breaks one part of the rule, and random histories find it. */
export const MUTANTS: Readonly<Record<string, Mutation>> = {
  'what a restore point builds on may go': { rule: NoBase },
  'the newest restore point may go': { rule: NoNewest },
  "what other tables' restore points name may go": { rule: NoOtherTables },
  'LastModified is believed: an object may be younger than the newest restore point': {
    rule: BelievesLastModified,
  },
  'tablesnap takes planned objects for present': { isHeedless: true },
  'files go before the manifests that name them': { rule: FilesFirst },
  'the path is a prefix': { rule: PrefixForPath },
}

/** Those that only a restore point within one certain minute tells. */
export const RACES = {
  'a plan is carried out at once': { rule: NoHour },
  'restore points that came after the plan do not count': { rule: PlanNotReadAgain },
} as const satisfies Record<string, Mutation>
