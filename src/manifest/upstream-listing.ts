import { createHash } from 'node:crypto'
import { join } from 'node:path'

import { asciiJson } from '../s3/ascii.js'
import type { S3Client } from '../s3/client.js'
import { metadataHeaders, putObject, storageHeaders } from '../s3/object.js'
import type { ObjectSettings } from '../s3/settings.js'

import type { KeyLayout } from './keys.js'

/** Metadata that tells our listings from those of the original: where a state speaks of the directory, it counts. */
const OWN = { tablesnap: '2' } as const

/** Whether a listing is one of ours. @param metadata of the object, names in lower case */
export function isOwnListing(metadata: Readonly<Record<string, string>>): boolean {
  return metadata['tablesnap'] !== undefined
}

/** The original's listing of a directory, as it is written. */
export interface DirectoryListing {
  readonly key: string
  readonly body: Buffer
  readonly md5: Buffer
}

/**
 * The original's listing of a directory: `{"<dir>": ["file", …]}` under `<Data.db key>-listdir.json`.
 * @param dataName the newest Data.db of the directory
 * @throws TablesnapError `KEY_TOO_LONG`
 */
export function listingOf(
  keys: KeyLayout,
  directory: string,
  dataName: string,
  names: readonly string[],
): DirectoryListing {
  const body = Buffer.from(asciiJson({ [directory]: [...names].sort() }))
  return { key: keys.listing(join(directory, dataName)), body, md5: createHash('md5').update(body).digest() }
}

/** Writes a listing, over an older one of the same name: it is the one object that may be written again. @throws S3Error */
export async function writeListing(
  client: S3Client,
  { key, body, md5 }: DirectoryListing,
  settings: ObjectSettings,
): Promise<void> {
  const headers = { ...storageHeaders(settings), ...metadataHeaders(OWN), 'Content-Type': 'application/json' }
  const guarded = { body, headers: { 'Content-MD5': md5.toString('base64') } }
  await putObject(client, key, guarded, { headers, ifAbsent: false })
}
