import { parentPort, threadId, workerData } from 'node:worker_threads'

import { leftPages } from 'tablesnap-io'

import type { ClientListener } from '../../s3/client-options.js'
import { S3Client } from '../../s3/client.js'
import type { Credentials } from '../../s3/settings.js'
import { RequestCounts } from '../../s3/request-counts.js'
import { digestFile, putPart } from '../upload/part.js'
import type { PutContext } from '../upload/put-if-absent.js'
import { putFile } from '../upload/put.js'
import type { FileResult } from '../upload/upload-task.js'

import { BufferPool } from './buffers.js'
import {
  encodeError,
  type Outcome,
  type Request,
  type Response,
  type ServerNews,
  type Task,
  type WorkerSettings,
} from './messages.js'
import { SharedOverwriting } from './overwriting.js'
import { Heartbeats } from './heartbeats.js'
import { Pacing } from './pacing.js'
import { SharedRate } from './rate.js'

// piscina hands its own fields and ours over in one pair.
const settings = (Array.isArray(workerData) ? workerData[1] : workerData) as WorkerSettings
const pacing = new Pacing(settings.most, settings.pacing)
const buffers = new BufferPool(settings.tasks, settings.usual, settings.buffer)
let notes: string[] = []
let current: Credentials | undefined

/** Pause between two signs of life, ms. */
const BEAT = 500

const heartbeats = new Heartbeats(0, settings.heartbeats)
heartbeats.beat(threadId)
setInterval(() => heartbeats.beat(threadId), BEAT).unref()

const rate = settings.rate
const counts = new RequestCounts()

const listener: ClientListener = {
  onNote: text => void notes.push(text),
  onSlowDown: () => pacing.slowDown(),
  onRetry: (_, pause) => tell({ pause, requests: counts.take() }),
  onSilence: (error, length) => tell({ silence: error.message, length, requests: counts.take() }),
  onReturn: length => tell({ returned: length, requests: counts.take() }),
}

const client = new S3Client({
  access: {
    settings: settings.settings,
    credentials: () => current ?? { accessKeyId: '', secretAccessKey: '' },
    retry: settings.retry,
  },
  lines: {
    connections: settings.tasks,
    rate: rate === undefined ? undefined : new SharedRate(rate.bytesPerSecond, rate.shared),
  },
  overwriting: new SharedOverwriting(settings.overwriting),
  counts,
  listener,
})

function tell(news: ServerNews): void {
  parentPort?.postMessage(news)
}

const context: PutContext = { client, checksum: settings.checksum }

const PAGES_LEFT =
  'reads fill the page cache: the kernel tells only the owner of a file, or who may write it, which of its pages are cached' +
  ' (Linux 6.14 and later need not be asked); run tablesnap as the user that Cassandra runs as'

/** Runs one task of the pool. Never throws: errors travel in the answer, as structured clone would strip them. */
export default async function handle({ task, credentials }: Request): Promise<Response> {
  current = credentials
  const outcome = await settle(() => buffers.lend(bytesOf(task), buffer => run(task, buffer)))
  const told = leftPages() ? [...notes, PAGES_LEFT] : notes
  notes = []
  return { outcome, notes: told, serverOffset: client.serverOffset, requests: counts.take() }
}

/** How much of a task is in memory at once, if the buffers go so far. */
function bytesOf(task: Task): number {
  switch (task.kind) {
    case 'files':
      return Math.max(...task.files.map(file => file.size))
    case 'part':
      return task.bytes
    case 'download':
      // A digest is read piece by piece, however long the file is.
      if (task.what === 'digest') return 0
      return task.what === 'object' ? task.size : task.bytes
    case 'digest':
      return 0
  }
}

async function run(task: Task, buffer: Buffer): Promise<unknown> {
  switch (task.kind) {
    case 'files': {
      const results: Outcome<FileResult>[] = []
      for (const file of task.files) results.push(await settle(() => putFile(context, file, buffer)))
      return results
    }
    case 'part':
      return putPart(client, task, task.checksum, buffer)
    case 'digest':
      return digestFile(task, buffer)
    case 'download':
      return (await import('../download/download.js')).download(client, task, buffer)
  }
}

async function settle<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    const value = await work()
    pacing.success()
    return { ok: true, value }
  } catch (error) {
    return { ok: false, error: encodeError(error) }
  }
}
