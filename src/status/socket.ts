import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'

import { errorCode, errorMessage } from '../errors.js'

import type { StatusCollector } from './collector.js'

/** Who may ask at once. */
const CONNECTIONS = 8

/** How long somebody may take to read the answer, and a socket that is there to take a connection, ms. */
const PATIENCE = 10_000

/** The longest path of a socket, bytes, without its NUL: sun_path of unix(7). */
const LONGEST = 107

/** Answers each connection to a unix socket with the status, as one line of JSON. The socket belongs to this user alone. */
export class StatusSocket {
  readonly #collector: StatusCollector
  readonly #path: string
  #server: Server | undefined
  #inode: number | undefined

  constructor(collector: StatusCollector, path: string) {
    this.#collector = collector
    this.#path = path
  }

  /**
   * Makes the socket; one that nobody listens on any more is replaced.
   * @returns why it could not be made; undefined: it was, or another run of this kind has it
   */
  async open(): Promise<string | undefined> {
    if (Buffer.byteLength(this.#path) > LONGEST) return `the path of a socket may have ${LONGEST} bytes`
    if (await isListening(this.#path)) return undefined
    const folder = dirname(this.#path)
    let own: string | undefined
    try {
      makeFolder(folder)
      // Nobody can connect before it has its mode, and nobody finds it under its name before it listens.
      own = mkdtempSync(join(folder, '.new-'))
      const made = join(own, 's')
      const server = createServer(socket => this.#answer(socket))
      server.maxConnections = CONNECTIONS
      server.unref()
      await listen(server, made)
      this.#server = server
      chmodSync(made, 0o600)
      this.#inode = statSync(made).ino
      renameSync(made, this.#path)
      return undefined
    } catch (error) {
      this.close()
      return errorMessage(error)
    } finally {
      if (own !== undefined) rmSync(own, { recursive: true, force: true })
    }
  }

  close(): void {
    this.#server?.close()
    this.#server = undefined
    try {
      // Another run may have put its own there.
      if (this.#inode !== undefined && statSync(this.#path).ino === this.#inode) rmSync(this.#path)
    } catch {
      // It is gone.
    }
    this.#inode = undefined
  }

  #answer(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    socket.unref()
    socket.setTimeout(PATIENCE, () => socket.destroy())
    socket.end(`${JSON.stringify(this.#collector.recent)}\n`)
  }
}

/** Makes a folder that is not there; the one above it must be. Node's recursive mkdir never ends below /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o755 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.removeListener('error', reject)
      server.on('error', () => undefined)
      resolve()
    })
  })
}

/** Whether somebody takes connections at a path. */
async function isListening(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.setTimeout(PATIENCE, () => end(true))
    socket.once('connect', () => end(true))
    socket.once('error', error => end(errorCode(error) === 'EACCES'))
  })
}
