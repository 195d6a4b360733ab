import { eachOf } from '../../concurrency.js'
import { shellWord } from '../../config/command-line.js'
import type { S3Client } from '../../s3/client.js'
import { isS3Error } from '../../s3/errors.js'

import type { MomentFile } from './moment.js'

/** Classes whose objects cannot be read before somebody asks for them, unless a copy is out already. */
const ARCHIVES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE'])

/** The class whose objects S3 archives by itself when they are not read for long. */
const TIERING = 'INTELLIGENT_TIERING'

/** Whether objects of a class are archived; of {@link TIERING} that takes a HEAD. */
export function isArchive(storageClass: string | undefined): boolean {
  return ARCHIVES.has(storageClass ?? '')
}

/** Objects asked for at once. */
const ASKED = 16

/** Days for which a copy of a thawed object stays. */
const DAYS = 7

/** An object that S3 gives only after it was thawed. */
export interface ArchivedFile {
  readonly file: MomentFile
  /** Its storage class, or its archive tier. */
  readonly where: string
  /** Whether somebody has asked for it already. */
  readonly thawing: boolean
}

/**
 * Finds the files whose objects are archived: by the storage class that the LIST tells, and for those by a HEAD, which alone
 * tells whether a copy is out, or whether Intelligent-Tiering has archived one.
 * See https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, x-amz-restore and x-amz-archive-status.
 * @throws S3Error
 */
export async function findArchived(
  client: S3Client,
  files: Iterable<MomentFile>,
  signal?: AbortSignal,
): Promise<ArchivedFile[]> {
  const asked = [...files].filter(({ storageClass }) => isArchive(storageClass) || storageClass === TIERING)
  const found: ArchivedFile[] = []
  await eachOf(asked, ASKED, async file => {
    const headers = await headersOf(client, file.key, signal)
    if (headers === undefined) return
    const restore = headers['x-amz-restore'] ?? ''
    const tier = headers['x-amz-archive-status']
    const where = tier ?? (isArchive(file.storageClass) ? file.storageClass : undefined)
    if (where === undefined || restore.includes('ongoing-request="false"')) return
    found.push({ file, where, thawing: restore.includes('ongoing-request="true"') })
  })
  return found
}

async function headersOf(
  client: S3Client,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, string | undefined>> | undefined> {
  try {
    return (await client.call({ operation: 'HeadObject', method: 'HEAD', key }, signal)).headers
  } catch (error) {
    if (isS3Error(error, 404)) return undefined
    throw error
  }
}

/** The archived objects, as a phrase with the command that thaws all of them. */
export function describeArchived(archived: readonly ArchivedFile[], { settings }: S3Client): string {
  const [first, ...more] = archived
  if (first === undefined) return 'nothing is archived'
  const { file, where } = first
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  const thawing = archived.filter(one => one.thawing).length
  const asked = thawing === 0 ? '' : `; ${thawing} of them are being thawed already`
  const classes = new Set(archived.map(one => one.file.storageClass ?? ''))
  const lines = [...classes].map(storageClass => {
    const keys = archived.filter(one => one.file.storageClass === storageClass).map(one => one.file.key)
    const request = storageClass === TIERING ? '{}' : `{"Days":${DAYS}}`
    const endpoint = settings.endpoint === undefined ? '' : ` --endpoint-url ${shellWord(settings.endpoint)}`
    const aws = `aws s3api${endpoint}`
    const bucket = `--bucket ${shellWord(settings.bucket)}`
    return (
      `${aws} list-objects-v2 ${bucket} --prefix ${shellWord(commonPrefix(keys))} --query "Contents[?StorageClass=='${storageClass}'].[Key]" --output text | ` +
      `while read -r key; do ${aws} restore-object ${bucket} --key "$key" --restore-request '${request}'; done`
    )
  })
  return `${file.key}${others} cannot be read, as S3 has archived them (${where})${asked}. Thaw them first, which takes minutes to two days: ${lines.join('; ')}`
}

function commonPrefix(keys: readonly string[]): string {
  let prefix = keys[0] ?? ''
  for (const key of keys) while (!key.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix
}
