import { counted, formatBytes } from '../report/format.js'
import type { Logger } from '../report/logger.js'
import type { TableFiles } from '../tables/table-files.js'

import type { FileOutcome } from './file-outcome.js'

/**
 * Writes one line for all files of an SSTable that were sent, or for a file that belongs to none. What was in the bucket already is no
 * news.
 * @param took ms; undefined: nothing was sent, as it is a dry run
 */
export function logUpload(
  log: Logger,
  { path, isSSTable }: Pick<TableFiles, 'path' | 'isSSTable'>,
  outcomes: readonly FileOutcome[],
  took: number | undefined,
): void {
  const sent = outcomes.filter(({ outcome }) => outcome === 'uploaded' || outcome === 'version')
  if (sent.length === 0) return
  const bytes = sent.reduce((sum, one) => sum + one.bytes, 0)
  const files = isSSTable ? `${counted(sent.length, 'file')}, ` : ''
  const what = `${path}: ${files}${formatBytes(bytes)}`
  const fields = { path, files: sent.length, bytes }
  if (took === undefined) log.info(`Would upload ${what}`, { event: 'would-upload', ...fields })
  else
    log.info(`Uploaded ${what} in ${(took / 1000).toFixed(1)} s`, {
      event: 'uploaded',
      ...fields,
      seconds: took / 1000,
    })
}
