import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { getObject } from '../s3/object.js'

import type { KeyLayout } from './keys.js'

/** When an epoch began: a writer took the name, or took it over. */
export interface Epoch {
  readonly epoch: number
  /** ms since 1970, by the server's clock. */
  readonly since: number
  /** Whether --take-over began it: the operator accepted what manifests of earlier epochs call unexplained. */
  readonly accepts?: true
}

/** How much earlier than its epoch a manifest may be, ms: clocks differ, and its time is that of a commit. */
const SLACK = 300_000

/**
 * Where node.json does not tell when an epoch began: how much earlier than the last manifest of a writer that lost its name
 * the first one of the new writer may be, ms. The old one looks at node.json once a minute.
 */
const WINDOW = 600_000

/**
 * The epochs of a node: each take-over of its name begins one. A writer that lost the name may write for another minute, so
 * the newest manifest is the newest one of the highest epoch. Manifests are listed by time: this tells how far down a
 * LIST one of a higher epoch can be.
 */
export class Epochs {
  /** The epoch that node.json names; undefined where that cannot be read. */
  readonly current: number | undefined
  readonly #since: readonly Epoch[]

  /** @param since epochs whose beginning is known */
  constructor(current: number | undefined, since: readonly Epoch[] = []) {
    this.current = current
    this.#since = [...since].sort((a, b) => a.epoch - b.epoch)
  }

  /** Whether a manifest not later than `until` may be of a higher epoch than one of this epoch and time. */
  mayFollow({ epoch, time }: { epoch: number; time: number }, until: number): boolean {
    const { current } = this
    if (current !== undefined && epoch >= current) return false
    // An epoch whose beginning is not known began less than the window before what it outranks.
    if (!this.#knows(current)) return until >= time - WINDOW
    return this.#since.some(one => one.epoch > epoch && one.since - SLACK <= until)
  }

  /** The epoch of a time; undefined where manifests of more than one may have it, ms since 1970. */
  at(time: number): number | undefined {
    const { current } = this
    if (current === undefined || current <= 1) return 1
    if (!this.#knows(current)) return undefined
    const latest = this.#since.at(-1)
    if (latest === undefined || time >= latest.since - SLACK) return undefined
    return this.#since.findLast(({ since }) => since <= time)?.epoch ?? 1
  }

  #knows(epoch: number | undefined): boolean {
    return epoch !== undefined && this.#since.at(-1)?.epoch === epoch
  }
}

/** Reads a node's epochs from its node.json; where that is missing or says nothing, nothing is known of them. @throws S3Error */
export async function readEpochs(client: S3Client, keys: KeyLayout, signal?: AbortSignal): Promise<Epochs> {
  try {
    const { body } = await getObject(client, keys.node, { signal })
    return parseEpochs(body.toString('utf8'))
  } catch (error) {
    // Whoever restores may have no right to read it: then the manifests say what they can.
    if (isS3Error(error, 403, 404)) return new Epochs(undefined)
    throw error
  }
}

/** The epochs in a node.json: `{"epoch": 2, "epochs": [{"epoch": 1, "since": 1795406227843}, …], …}`; earlier versions wrote no `epochs`. */
export function parseEpochs(text: string): Epochs {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return new Epochs(undefined)
  }
  if (typeof value !== 'object' || value === null) return new Epochs(undefined)
  const { epoch, epochs } = value as { epoch?: unknown; epochs?: unknown }
  if (!isCount(epoch)) return new Epochs(undefined)
  return new Epochs(epoch, Array.isArray(epochs) ? epochs.filter(isEpoch) : [])
}

/** Whether a value from a node.json says when an epoch began. */
export function isEpoch(value: unknown): value is Epoch {
  if (typeof value !== 'object' || value === null) return false
  const { epoch, since } = value as { epoch?: unknown; since?: unknown }
  return isCount(epoch) && isCount(since)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
