import { dirname } from 'node:path'

import { ownProgram } from '../places.js'
import { DEFAULTS, environment, type Client, type Job, type Task } from './client.js'

/**
 * tablesnap itself, as it is installed.
 * @param threads of -t; undefined: the default
 * @param further flags
 */
export function tablesnap(threads?: number, ...further: readonly string[]): Client {
  return {
    name: 'tablesnap',
    variant: threads === undefined ? DEFAULTS : `-t ${threads}`,
    command(task, job) {
      const flags = [...(threads === undefined ? [] : ['-t', String(threads)]), ...further]
      return {
        argv: [...ownProgram('tablesnap'), ...actionOf(task, job), ...flags, ...placeOf(task, job)],
        env: environment(job),
      }
    },
  }
}

function actionOf(task: Task, job: Job): string[] {
  const restore = task === 'restore' || task === 'restore-folder'
  const mode = restore ? ['-D'] : ['-B', '--without-index', '--include-snapshots', '--include-backups', '-r']
  const signed = job.signed ? ['--checksum', 'sha256'] : []
  const { endpoint, region } = job.target
  const server = endpoint === undefined ? [] : ['--endpoint-url', endpoint, '--path-style']
  const prefix = job.prefix === '' ? [] : ['-p', job.prefix]
  return [...mode, '-n', job.node, ...prefix, ...server, '--aws-region', region, ...signed]
}

function placeOf(task: Task, job: Job): string[] {
  if (task === 'restore' || task === 'restore-folder') return [job.target.bucket, job.into]
  return [job.target.bucket, task === 'file' ? dirname(job.source) : job.source]
}
