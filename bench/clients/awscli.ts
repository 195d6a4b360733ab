import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import {
  CONCURRENCY,
  DEFAULTS,
  OURS,
  environment,
  ownKey,
  type Client,
  type Job,
  type Task,
} from './client.js'

/** The AWS command line, from its path. */
export function awscli(binary: string): Client[] {
  return [DEFAULTS, OURS].map(variant => ({
    name: 'awscli',
    variant,
    command(task, job) {
      const config = join(job.scratch, `aws-${variant === OURS ? 'ours' : 'defaults'}.conf`)
      const { requests, partMib } = CONCURRENCY
      const ours =
        variant === OURS
          ? [`  max_concurrent_requests = ${requests}`, `  multipart_chunksize = ${partMib}MB`]
          : []
      const signed = job.signed ? ['  payload_signing_enabled = true'] : []
      writeFileSync(
        config,
        ['[default]', 's3 =', '  addressing_style = auto', ...ours, ...signed, ''].join('\n'),
      )
      const { endpoint } = job.target
      const server = endpoint === undefined ? [] : ['--endpoint-url', endpoint]
      return {
        argv: [binary, ...server, 's3', ...wordsOf(task, job)],
        env: { ...environment(job), AWS_CONFIG_FILE: config },
      }
    },
  }))
}

function wordsOf(task: Task, job: Job): string[] {
  const root = `s3://${job.target.bucket}/`
  const below = `${root}${job.prefix}awscli/`
  const quiet = '--only-show-errors'
  switch (task) {
    case 'file':
      return ['cp', quiet, job.source, below]
    case 'folder':
      return ['cp', quiet, '--recursive', job.source, below]
    case 'sync':
      return ['sync', quiet, '--size-only', job.source, below]
    case 'restore':
      return ['cp', quiet, root + ownKey(job), `${job.into}/`]
    case 'restore-folder':
      return ['cp', quiet, '--recursive', root + ownKey(job), job.into]
  }
}
