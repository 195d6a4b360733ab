import { parseChops, type ChopRecord } from '../manifest/chop-plan.js'
import { isEpoch, type Epoch } from '../manifest/epochs.js'

import type { Writer } from './writer.js'

/** The content of `node.json`: who writes under a node's name. */
export interface NodeRecord {
  readonly format: 1
  /** {@link Writer.id} */
  readonly writer: string
  /** {@link Writer.volumes} of all runs of this writer; earlier versions did not write them. */
  readonly volumes?: readonly string[]
  readonly host: string
  readonly epoch: number
  /** When somebody first wrote under the name, ms of the server's clock. */
  readonly since: number
  /** The separator between name and path in the keys of files; undefined in records of earlier versions. */
  readonly separator?: string | undefined
  /** When each epoch began, as far as it is known: earlier versions did not write it. */
  readonly epochs?: readonly Epoch[]
  /** Plans of tablechop: their keys count as absent. */
  readonly chop?: readonly ChopRecord[]
  /** Whether the writer looks at `chop`: earlier versions did not. */
  readonly heedsPlans?: boolean
}

/** Whether a record names no writer: tablechop made it for a node that only the Python programs wrote. */
export function isUnclaimed({ writer }: NodeRecord): boolean {
  return writer === ''
}

/** The most volumes that a record names: those of the newest runs. */
const VOLUMES = 16

/**
 * Who a record's writer is to this one: `same`; `moved`: it wrote on another machine, and its volume is attached to this one now
 * (a pod that was scheduled elsewhere); `other`.
 *
 * The machine decides. A volume alone makes two machines one writer only where both have the same host name: a clone of a volume
 * belongs to another node. A writer whose machine has no name is known by its volumes, or, without any, by its host name.
 */
export function kinship(record: NodeRecord, writer: Writer): 'same' | 'moved' | 'other' {
  const { volumes = [] } = record
  const isShared = writer.volumes.some(volume => volumes.includes(volume))
  const hasVolumes = writer.volumes.length > 0 && volumes.length > 0
  if (writer.formerIds.includes(record.writer)) return 'same'
  if (record.writer === writer.id && (writer.isMachine || isShared || !hasVolumes)) return 'same'
  return isShared && (record.host === writer.host || !writer.isMachine) ? 'moved' : 'other'
}

/** The volumes that a record of a writer names: those of this run first. */
export function volumesTogether(writer: Writer, record: NodeRecord | undefined): readonly string[] {
  return [...new Set([...writer.volumes, ...(record?.volumes ?? [])])].slice(0, VOLUMES)
}

/** When each epoch of a record began: of the first one a record of an earlier version tells it, too. */
export function epochsOf({ epoch, since, epochs }: NodeRecord): readonly Epoch[] {
  return epochs ?? (epoch === 1 ? [{ epoch, since }] : [])
}

/** @returns undefined when it is no record, or one of a later format */
export function parseRecord(body: Buffer): NodeRecord | undefined {
  try {
    const value = JSON.parse(body.toString('utf8')) as Partial<NodeRecord>
    const { writer, volumes, host, epoch, since, separator, epochs, chop, heedsPlans } = value
    if (value.format !== 1 || typeof writer !== 'string' || !Number.isSafeInteger(epoch)) return undefined
    return {
      format: 1,
      writer,
      host: typeof host === 'string' ? host : '?',
      epoch: epoch ?? 0,
      since: typeof since === 'number' ? since : 0,
      ...(Array.isArray(volumes) ? { volumes: volumes.filter(volume => typeof volume === 'string') } : {}),
      ...(typeof separator === 'string' ? { separator } : {}),
      ...(Array.isArray(epochs) ? { epochs: epochs.filter(isEpoch) } : {}),
      ...(Array.isArray(chop) ? { chop: parseChops(chop) } : {}),
      ...(heedsPlans === true ? { heedsPlans } : {}),
    }
  } catch {
    return undefined
  }
}
