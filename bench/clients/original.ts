import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { DEFAULTS, environment, type Client } from './client.js'

/**
 * The Python tablesnap (upstream's, with -B), which knows no endpoint: boto 2 is led to the sink as to a proxy.
 * @param command what runs it, words separated by spaces, such as `python2 /opt/tablesnap/tablesnap`
 */
export function original(command: string): Client {
  return {
    name: 'original',
    variant: DEFAULTS,
    // Upstream's -B watches on.
    endless: true,
    command(task, job) {
      if (task !== 'file' && task !== 'folder') return undefined
      const { hostname, port } = new URL(job.target.endpoint ?? 'http://127.0.0.1')
      const settings = join(job.scratch, 'boto.cfg')
      writeFileSync(
        settings,
        [
          '[Boto]',
          'is_secure = False',
          `proxy = ${hostname}`,
          `proxy_port = ${port}`,
          '[s3]',
          'calling_format = boto.s3.connection.OrdinaryCallingFormat',
          '',
        ].join('\n'),
      )
      const flags = ['-B', '--without-index', '-n', job.node]
      const place = [job.target.bucket, task === 'file' ? dirname(job.source) : job.source]
      return {
        argv: [...command.split(/\s+/), ...flags, ...place],
        env: { ...environment(job), BOTO_CONFIG: settings },
      }
    },
  }
}
