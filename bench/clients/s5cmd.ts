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

/** s5cmd, from its path. */
export function s5cmd(binary: string): Client[] {
  return [DEFAULTS, OURS].map(variant => ({
    name: 's5cmd',
    variant,
    command(task, job) {
      const ours = variant === OURS
      const { requests, partMib } = CONCURRENCY
      const workers = ours && task !== 'file' && task !== 'restore' ? ['--numworkers', String(requests)] : []
      const parts = ours ? ['--concurrency', String(requests), '--part-size', String(partMib)] : []
      const { endpoint } = job.target
      const server = endpoint === undefined ? [] : ['--endpoint-url', endpoint]
      const [verb = '', ...operands] = wordsOf(task, job)
      return {
        argv: [binary, ...server, ...workers, verb, ...parts, ...operands],
        env: environment(job),
      }
    },
  }))
}

function wordsOf(task: Task, job: Job): string[] {
  const root = `s3://${job.target.bucket}/`
  const below = `${root}${job.prefix}s5cmd/`
  switch (task) {
    case 'file':
      return ['cp', job.source, below]
    case 'folder':
      return ['cp', `${job.source}/`, below]
    case 'sync':
      return ['sync', '--size-only', `${job.source}/`, below]
    case 'restore':
      return ['cp', '--raw', root + ownKey(job), `${job.into}/`]
    case 'restore-folder':
      return ['cp', `${root}${ownKey(job)}/*`, `${job.into}/`]
  }
}
