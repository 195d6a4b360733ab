import type { Config, StatusQuery } from '../config/config.js'
import { TablesnapError } from '../errors.js'
import type { Logger } from '../report/logger.js'
import { printable } from '../report/log.js'
import { askAll } from '../status/ask.js'
import { socketFolder } from '../status/socket-name.js'
import type { Status } from '../status/status.js'
import { statusText } from '../status/text.js'
import { exitCodeOf } from '../status/verdict.js'

import { writeOut } from './terminal.js'

/** Exit codes, the worst first: 1 not protected, 3 too old. */
const WORST = [1, 3, 0] as const

/** Prints how the tablesnaps that run here stand, or what the bucket says where none does. @returns the exit code */
export async function showStatus(config: Config, query: StatusQuery, log: Logger): Promise<number> {
  const folder = socketFolder(process.env)
  const { statuses, failures } = await askAll(folder)
  for (const failure of failures) log.warn(failure)
  const asked = statuses.filter(status => isMeant(status, config))
  if (asked.length > 0) {
    const texts = asked.map(status =>
      query.json ? JSON.stringify(status) : statusText(status).map(printable).join('\n'),
    )
    writeOut(`${texts.join(query.json ? '\n' : '\n\n')}\n`)
    const codes = asked.map(status => exitCodeOf(status, query.maxAge))
    return WORST.find(code => (codes as readonly number[]).includes(code)) ?? 0
  }
  if (config.s3.bucket === '')
    throw new TablesnapError({
      code: 'NOT_RUNNING',
      message: `no tablesnap answers in ${folder}; tablesnap --status <bucket> asks the bucket`,
    })
  const { bucketStatus } = await import('./bucket-status.js')
  return await bucketStatus(config, query, log)
}

/** Whether a program backs up what was asked for; what was not named may be anything. */
function isMeant({ program }: Status, { s3, name, paths }: Config): boolean {
  if (s3.bucket !== '' && program.bucket !== s3.bucket) return false
  if (name !== undefined && program.node !== name) return false
  return (
    paths.length === 0 ||
    (paths.length === program.paths.length && paths.every(path => program.paths.includes(path)))
  )
}
