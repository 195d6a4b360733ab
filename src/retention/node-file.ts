import { TablesnapError } from '../errors.js'
import { parseChops, type ChopRecord } from '../manifest/chop-plan.js'
import { parseEpochs, type Epochs } from '../manifest/epochs.js'
import type { KeyLayout } from '../manifest/keys.js'

import type { RetentionBucket } from './ports.js'

/** The node.json of a node, as retention needs it. */
export interface NodeFile {
  /** All of its members; `undefined`: there is no node.json. */
  readonly members: Readonly<Record<string, unknown>> | undefined
  readonly etag: string | undefined
  /** When it was stored, ms since 1970. */
  readonly stored: number
  readonly chops: readonly ChopRecord[]
  readonly epochs: Epochs
}

/** Reads node.json. @throws S3Error; TablesnapError `NODE_UNREADABLE` */
export async function readNodeFile(bucket: RetentionBucket, keys: KeyLayout): Promise<NodeFile> {
  const found = await bucket.read(keys.node)
  if (found === undefined)
    return { members: undefined, etag: undefined, stored: NaN, chops: [], epochs: parseEpochs('') }
  const { body, etag, lastModified } = found
  const text = body.toString('utf8')
  const members = membersOf(text, keys.node)
  return {
    members,
    etag,
    stored: lastModified,
    chops: parseChops(members['chop']),
    epochs: parseEpochs(text),
  }
}

function membersOf(text: string, key: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // It is said below.
  }
  throw new TablesnapError({
    code: 'NODE_UNREADABLE',
    message: `${key} cannot be read: nothing is deleted, as it is where tablechop says what it is about to delete`,
    step: { operation: 'retain', key },
  })
}

/**
 * Refuses a node whose tablesnap does not look at plans: it could name an object that is about to go.
 * @throws TablesnapError `WRITER_TOO_OLD`
 */
export function checkWriter({ members }: NodeFile, name: string): void {
  const isWritten = members !== undefined && members['writer'] !== ''
  if (!isWritten || members['heedsPlans'] === true) return
  throw new TablesnapError({
    code: 'WRITER_TOO_OLD',
    message: `${name} was last backed up by a version of tablesnap that does not know of tablechop's plans: update tablesnap there and start it once; or, if none runs under that name any more, give --force`,
    step: { operation: 'retain' },
  })
}

/** The record of a path's plan. @param scope of a `ChopScope` */
export function chopOf({ chops }: NodeFile, scope: string): ChopRecord | undefined {
  return chops.find(one => one.scope === scope)
}

/** Whether two records name the same plans. */
export function sameChop(a: ChopRecord | undefined, b: ChopRecord | undefined): boolean {
  return a?.plan === b?.plan && a?.before === b?.before
}

/** Times that node.json is tried, when others write it in the same moment. */
const TIMES = 5

/** How much later than it says a plan may have come into node.json, ms: of the grace that is next to nothing. */
const LATE = 30_000

/**
 * Has node.json name a new plan, in place of the one that was there when the run began.
 * @returns node.json as it is now
 * @throws S3Error; TablesnapError `CHOP_RACED` when another tablechop was faster
 */
export async function announce(
  bucket: RetentionBucket,
  keys: KeyLayout,
  before: NodeFile,
  record: Omit<ChopRecord, 'since'>,
): Promise<NodeFile> {
  const { scope } = record
  let known = chopOf(before, scope)
  let now = before
  for (let attempt = 0; attempt < TIMES; attempt++) {
    const chop = { ...record, since: bucket.now() }
    const others = now.chops.filter(one => one.scope !== scope)
    const members = { ...(now.members ?? EMPTY), chop: [...others, chop] }
    await bucket.replace(keys.node, Buffer.from(JSON.stringify(members)), now.etag)
    // The server may compare nothing, or the answer may have been lost: what is there now counts.
    now = await readNodeFile(bucket, keys)
    const found = chopOf(now, scope)
    if (found?.plan === record.plan) {
      if (now.stored <= found.since + LATE) return now
      known = found
    } else if (!sameChop(found, known)) break
  }
  throw raced()
}

/** The node.json of a node that only the Python programs wrote: no writer of ours has the name. */
const EMPTY = { format: 1, writer: '', host: '', epoch: 0, since: 0 } as const

/** The error of a run whose plan is not the one that counts any more. */
export function raced(): TablesnapError {
  return new TablesnapError({
    code: 'CHOP_RACED',
    message: 'another tablechop works on the same path of this node: this one stops',
    step: { operation: 'retain' },
  })
}
