import type { Outcomes } from '../../src/backup/outcomes.js'
import type { Pinned, Uploads } from '../../src/backup/ports.js'
import type { FileIdentity } from '../../src/cassandra/file-identity.js'
import { isOptional, parseComponent } from '../../src/cassandra/names.js'
import { TablesnapError } from '../../src/errors.js'
import type { Entry } from '../../src/manifest/state.js'
import type { Ready, UploadResult } from '../../src/tables/ports.js'
import type { Random } from '../manifest/random.js'

import type { Bucket } from './bucket.js'
import type { FileNode, FileSystem } from './file-system.js'
import type { Network } from './network.js'
import type { Process } from './process.js'
import type { Program } from './program.js'

/** A file that is held open. */
interface OpenFile {
  readonly name: string
  readonly node: FileNode
  /** As it was when it was opened. */
  readonly identity: FileIdentity
}

export class SimulatedPinned implements Pinned {
  readonly files: OpenFile[] = []
  readonly unchanged: string[] = []
  isGone = false
  readonly #onClose: (count: number) => void
  #isClosed = false

  constructor(onClose: (count: number) => void) {
    this.#onClose = onClose
  }

  get descriptors(): number {
    return this.#isClosed ? 0 : this.files.length
  }

  get bytes(): number {
    return this.files.reduce((sum, { identity }) => sum + identity.size, 0)
  }

  close(): void {
    if (!this.#isClosed) this.#onClose(this.files.length)
    this.#isClosed = true
  }
}

/** Opens and uploads as the real engine does: through descriptors, and with a look at each file before and after. */
export class SimulatedUploads implements Uploads<SimulatedPinned> {
  /** Files held open now. */
  descriptors = 0
  /** How many more times opening fails. */
  failures = 0
  readonly #fs: FileSystem
  readonly #bucket: Bucket
  readonly #network: Network
  readonly #process: Process
  readonly #random: Random
  readonly #outcomes: Outcomes
  readonly #forgetsFailures: boolean
  readonly #pass: () => void

  constructor(
    world: { fs: FileSystem; bucket: Bucket; network: Network; random: Random; program: Program },
    process: Process,
    outcomes: Outcomes,
    pass: () => void,
  ) {
    this.#fs = world.fs
    this.#bucket = world.bucket
    this.#network = world.network
    this.#random = world.random
    this.#process = process
    this.#outcomes = outcomes
    this.#forgetsFailures = world.program.forgetsFailures
    this.#pass = pass
  }

  pin(ready: Ready): SimulatedPinned {
    if (this.failures > 0) {
      this.failures--
      throw new TablesnapError({ code: 'TOO_MANY_FILES', message: 'no descriptors left', retry: true })
    }
    const pinned = new SimulatedPinned(count => (this.descriptors -= count))
    const { directory } = ready.files
    for (const name of ready.names) {
      this.#pass()
      const node = this.#fs.directory(directory)?.files.get(name)
      if (node === undefined) {
        if (!isOptional(parseComponent(name)?.component ?? name)) pinned.isGone = true
      } else if (isSame(ready.durable.get(name), node.identity)) pinned.unchanged.push(name)
      else {
        pinned.files.push({ name, node, identity: node.identity })
        this.descriptors++
      }
    }
    return pinned
  }

  ended(ready: Ready, isGone: boolean): void {
    if (!this.#forgetsFailures) return
    if (isGone) this.#outcomes.gone(ready.files)
    else this.#outcomes.ended(ready)
  }

  async upload(pinned: SimulatedPinned, ready: Ready, signal: AbortSignal): Promise<UploadResult> {
    const durable = new Map<string, Entry>()
    const { directory } = ready.files
    let next: UploadResult['next'] = 'done'
    const half = this.#random.below(pinned.files.length + 1)
    for (const part of [pinned.files.slice(0, half), pinned.files.slice(half)]) {
      if (part.length === 0) continue
      try {
        await this.#network.call(this.#process, 'PUT', () => {
          for (const { name, node, identity } of part) {
            if (!isSame(identity, node.identity)) {
              next = 'changed'
              continue
            }
            const key = this.#bucket.putFile(`${directory}/${name}`, node.content)
            durable.set(name, { ...identity, crc64: node.content.toString(16).padStart(16, '0'), key })
          }
        })
      } catch {
        // Whatever took effect, nothing is known of it.
        for (const { name } of part) {
          durable.delete(name)
          this.#outcomes.problem(`${directory}/${name}`, 'it failed')
        }
        next = 'failed'
      }
    }
    for (const name of durable.keys()) this.#outcomes.solved(`${directory}/${name}`)
    if (signal.aborted) return { durable: new Map(), names: [], next: 'gone' }
    return { durable, names: [...pinned.files.map(({ name }) => name), ...pinned.unchanged], next }
  }
}

function isSame(a: FileIdentity | undefined, b: FileIdentity): boolean {
  return a !== undefined && a.size === b.size && a.mtime === b.mtime && a.inode === b.inode
}
