import { join, relative } from 'node:path'

import type { TablesnapError } from '../../src/errors.js'
import type { WatchListener, WatchNews } from '../../src/watch/listener.js'
import type { Listing } from '../../src/watch/tree.js'

/** Writes down what it is told: `created a/f`, `new b: [f] [d]`, … */
export class WatchRecorder implements WatchListener, WatchNews {
  readonly told: string[] = []

  constructor(readonly root: string) {}

  file(directory: string, name: string, event: string): void {
    this.told.push(`${event} ${this.#short(join(directory, name))}`)
  }

  scanned(directory: string, listing: Listing, reason: string): void {
    const { files, directories } = listing
    this.told.push(
      `${reason} ${this.#short(directory)}: [${files.sort().join()}] [${directories.sort().join()}]`,
    )
  }

  lost(directory: string): void {
    this.told.push(`lost ${this.#short(directory)}`)
  }

  denied(directory: string): void {
    this.told.push(`denied ${this.#short(directory)}`)
  }

  hidden(directory: string): void {
    this.told.push(`hidden ${this.#short(directory)}`)
  }

  shown(directories: readonly string[]): void {
    this.told.push(`shown ${directories.map(directory => this.#short(directory)).join()}`)
  }

  mounted(path: string): void {
    this.told.push(`mounted ${this.#short(path)}`)
  }

  broken(directory: string, name: string): void {
    this.told.push(`broken ${this.#short(join(directory, name))}`)
  }

  unreadable(directory: string, name: string): void {
    this.told.push(`unreadable ${this.#short(directory)} ${name}`)
  }

  overflow(): void {
    this.told.push('overflow')
  }

  failed(directory: string, error: TablesnapError): void {
    this.told.push(
      `failed ${this.#short(directory)} ${error.code}: ${error.message.replaceAll(this.root, '')}`,
    )
  }

  unwatched(directory: string): void {
    this.told.push(`unwatched ${this.#short(directory)}`)
  }

  awaited(path: string): void {
    this.told.push(`awaited ${this.#short(path)}`)
  }

  /** What was told since the last call. */
  take(): string[] {
    return this.told.splice(0)
  }

  #short(path: string): string {
    return relative(this.root, path) || '.'
  }
}
