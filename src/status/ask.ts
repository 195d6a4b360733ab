import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

import { errorCode, errorMessage } from '../errors.js'

import { STATUS_VERSION, type Status } from './status.js'

/** How long a program may take to answer, ms. */
const PATIENCE = 10_000

/** Bytes of the longest answer that is read: some 100,000 tables. */
const LONGEST = 256 * 1024 * 1024

/** What the sockets of a folder answered. */
export interface Answers {
  readonly statuses: readonly Status[]
  /** Sockets that could not be asked, and why; those on which nobody listens any more are left out. */
  readonly failures: readonly string[]
}

/** Asks every tablesnap that has a socket in a folder. */
export async function askAll(folder: string): Promise<Answers> {
  const statuses: Status[] = []
  const failures: string[] = []
  const sockets = socketsIn(folder)
  if (typeof sockets === 'string') return { statuses, failures: [sockets] }
  await Promise.all(
    sockets.map(async path => {
      try {
        const answer = JSON.parse(await read(path)) as Status
        const version: number = answer.version
        if (version === STATUS_VERSION) statuses.push(answer)
        else failures.push(`${path}: the tablesnap that runs is another version (status ${version})`)
      } catch (error) {
        if (['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '')) return
        failures.push(`${path}: ${errorMessage(error)}`)
      }
    }),
  )
  statuses.sort((a, b) => (a.program.node < b.program.node ? -1 : 1))
  return { statuses, failures }
}

/** @returns a text: why the folder cannot be read */
function socketsIn(folder: string): string[] | string {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith('.sock'))
      .map(name => join(folder, name))
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? [] : errorMessage(error)
  }
}

function read(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const socket = connect(path)
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)))
    socket.on('data', chunk => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > LONGEST) socket.destroy(new Error('the answer is too long'))
    })
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()))
    socket.on('error', reject)
  })
}
