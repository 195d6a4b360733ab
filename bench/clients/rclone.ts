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

/** rclone, from its path, with its S3 backend set up by environment variables. */
export function rclone(binary: string): Client[] {
  return [DEFAULTS, OURS].map(variant => ({
    name: 'rclone',
    variant,
    command(task, job) {
      const { requests, partMib } = CONCURRENCY
      const transfers =
        task === 'file' || task === 'restore'
          ? ['--s3-upload-concurrency', String(requests), '--s3-chunk-size', `${partMib}M`]
          : ['--transfers', String(requests)]
      const { endpoint, region, ca } = job.target
      return {
        argv: [
          binary,
          '--config',
          '/dev/null',
          ...(ca === undefined ? [] : ['--ca-cert', ca]),
          ...(variant === OURS ? transfers : []),
          ...wordsOf(task, job),
        ],
        env: {
          ...environment(job),
          // Its transport does not take what the SDK within makes of this; it has --ca-cert.
          AWS_CA_BUNDLE: '',
          RCLONE_CONFIG_BENCH_TYPE: 's3',
          RCLONE_CONFIG_BENCH_PROVIDER: endpoint === undefined ? 'AWS' : 'Other',
          RCLONE_CONFIG_BENCH_ENV_AUTH: 'true',
          RCLONE_CONFIG_BENCH_REGION: region,
          ...(endpoint === undefined ? {} : { RCLONE_CONFIG_BENCH_ENDPOINT: endpoint }),
        },
      }
    },
  }))
}

function wordsOf(task: Task, job: Job): string[] {
  const root = `bench:${job.target.bucket}/`
  const below = `${root}${job.prefix}rclone/`
  switch (task) {
    case 'file':
    case 'folder':
      return ['copy', '--no-check-dest', job.source, below]
    case 'sync':
      return ['copy', '--size-only', job.source, below]
    case 'restore':
    case 'restore-folder':
      return ['copy', '--no-check-dest', root + ownKey(job), job.into]
  }
}
