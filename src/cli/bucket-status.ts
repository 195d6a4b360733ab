import type { Config, StatusQuery } from '../config/config.js'
import { counted } from '../report/format.js'
import type { Logger } from '../report/logger.js'
import { printable } from '../report/log.js'
import { listUnits } from '../restore/choose/history.js'
import { openSession } from '../session.js'
import { span } from '../status/reasons.js'
import { displayName } from '../status/table-status.js'

import { writeOut } from './terminal.js'

/** The newest restore point of a table, as the bucket tells it. */
interface Point {
  readonly name: string
  readonly unit: string
  readonly newest: { readonly time: string | null; readonly kind: string } | null
}

/** Tables that the text names which cannot be restored to a complete restore point. */
const NAMED = 20

/**
 * Prints the newest restore points of a node in the bucket. They prove nothing of files that came after them, so the exit code is 1
 * unless a limit says how old they may be.
 * @returns the exit code
 */
export async function bucketStatus(config: Config, query: StatusQuery, log: Logger): Promise<number> {
  const session = await openSession({ ...config, limit: 1, paths: ['/'] }, quiet(log))
  try {
    const points: Point[] = []
    const { signal } = new AbortController()
    for await (const { unit, moments } of listUnits(session.config, { ...session, signal })) {
      const [newest] = moments
      const time = newest?.time === undefined ? null : new Date(newest.time).toISOString()
      points.push({
        name: displayName(unit),
        unit,
        newest: newest === undefined ? null : { time, kind: newest.status },
      })
    }
    return report(points, query, { node: session.node.name, bucket: config.s3.bucket })
  } finally {
    await session.close()
  }
}

function report(
  points: readonly Point[],
  { json, maxAge }: StatusQuery,
  { node, bucket }: { readonly node: string; readonly bucket: string },
): number {
  const weak = points.filter(({ newest }) => newest?.kind !== 'complete')
  const newest = points.reduce<string | null>((last, { newest: point }) => {
    const time = point?.time ?? null
    return time !== null && (last === null || time > last) ? time : last
  }, null)
  const age = newest === null ? Infinity : Date.now() - Date.parse(newest)
  const code = maxAge === undefined || weak.length > 0 ? 1 : age > maxAge ? 3 : 0
  if (json) {
    const time = new Date().toISOString()
    writeOut(
      `${JSON.stringify({ version: 1, source: 'bucket', time, node, bucket, newest, tables: points })}\n`,
    )
    return code
  }
  const lines = [
    `${node} in bucket ${bucket}: no tablesnap that runs here answers; nothing says whether later files are protected`,
    `Restore point  ${newest === null ? 'none' : `${newest} (${span(age)} ago)`}`,
    `Tables         ${counted(points.length, 'table')}, ${points.length - weak.length} with a complete newest restore point`,
    ...weak
      .slice(0, NAMED)
      .map(({ name, newest: point }) => `  ${name}: ${point?.kind ?? 'no restore point'}`),
    ...(weak.length > NAMED ? [`  and ${weak.length - NAMED} more`] : []),
  ]
  writeOut(`${lines.map(printable).join('\n')}\n`)
  return code
}

/** A logger for which info lines are debug lines: the operator asked for the status alone. */
function quiet(log: Logger): Logger {
  return { ...log, info: (message, fields) => log.debug(message, fields) }
}
