import { program } from '../program.js'
import { environment, ownKey, type Client } from './client.js'

/** The C program that only reads and sends. For the null sink alone: it knows nothing of S3. */
export async function floor(tls: boolean): Promise<Client> {
  const binary = await program('floor', tls)
  return {
    name: 'floor',
    variant: 'C, one connection',
    command(task, job) {
      if (job.signed || (task !== 'file' && task !== 'restore')) return undefined
      const { ca, endpoint = '' } = job.target
      const trust = ca === undefined ? [] : [ca]
      const { port } = new URL(endpoint)
      const words = task === 'file' ? ['put', port, job.source] : ['get', port, ownKey(job), job.into]
      return {
        argv: [binary, ...words, ...trust],
        env: environment(job),
      }
    },
  }
}
