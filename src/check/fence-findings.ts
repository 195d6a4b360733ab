import type { KeyLayout } from '../manifest/keys.js'
import { isUnclaimed, parseRecord, type NodeRecord } from '../node/node-record.js'

import type { Finding } from './finding.js'
import type { Mends } from './mends.js'

/** The facts by which the fence is judged. */
export interface FenceFacts {
  /** node.json; undefined: there is none. */
  readonly body: Buffer | undefined
  /** The highest epoch of a manifest; 0: there is none of ours. */
  readonly epoch: number
  readonly keys: KeyLayout
  readonly name: string
  readonly mends: Mends
}

/** The record of who writes under the node's name; undefined: there is none that can be read. */
export function recordOf({ body }: Pick<FenceFacts, 'body'>): NodeRecord | undefined {
  return body === undefined ? undefined : parseRecord(body)
}

/** The findings about node.json, which keeps two machines from writing under one name. */
export function findingsOfFence(facts: FenceFacts): Finding[] {
  const { body, epoch, keys, name, mends } = facts
  // The Python programs have no such thing.
  if (epoch === 0) return []
  const finding = (kind: string, message: string, mend: string): Finding[] => [
    { kind, severity: 'danger', message, mend, examples: [keys.node] },
  ]
  const record = recordOf(facts)
  if (body === undefined)
    return finding(
      'fence-missing',
      `${keys.node} is missing: another machine may take the name ${name} and write beside this node`,
      'start tablesnap on the node: it writes the record again',
    )
  if (record === undefined)
    return finding(
      'fence-unreadable',
      `${keys.node} cannot be read: tablesnap does not start under the name ${name} any more`,
      `${mends.remove(keys.node)}; then ${mends.takeOver()}`,
    )
  if (isUnclaimed(record) || record.epoch < epoch)
    return finding(
      'fence-behind',
      `${keys.node} has epoch ${record.epoch}, and there are restore points of epoch ${epoch}: somebody put an older record back, and two machines may write under the name ${name}`,
      `make sure that one machine alone writes; then ${mends.takeOver()}`,
    )
  return []
}
