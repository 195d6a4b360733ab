import { createRequire } from 'node:module'

import type * as CliProgress from 'cli-progress'

import { formatBytes } from '../report/format.js'
import type { Write } from '../report/log.js'
import { clock, pace, type Amount, type Progress } from '../report/progress.js'

const require = createRequire(import.meta.url)

/** Redraws a second. */
const FPS = 5

const FORMAT = '{bar} {percentage}%  {done} of {all}  {rate}/s  {left} left'

/** Progress as a bar at the bottom of a terminal; lines of the log go above it. */
export class ProgressBar implements Progress {
  readonly #stream: NodeJS.WritableStream
  readonly #plain: Write
  #bars: CliProgress.MultiBar | undefined
  #bar: CliProgress.SingleBar | undefined
  #total = 0
  #began = 0

  /** @param plain writes a line while there is no bar */
  constructor(stream: NodeJS.WritableStream, plain: Write) {
    this.#stream = stream
    this.#plain = plain
  }

  begin({ bytes }: Amount): void {
    this.#total = bytes
    this.#began = performance.now()
    // Loaded only where it is used: most runs have no terminal.
    const { MultiBar } = require('cli-progress') as typeof CliProgress
    this.#bars = new MultiBar({
      stream: this.#stream,
      format: FORMAT,
      fps: FPS,
      barsize: 24,
      barCompleteChar: '#',
      barIncompleteChar: '.',
      clearOnComplete: true,
      // A process that is killed would leave the terminal without it.
      linewrap: true,
      forceRedraw: true,
      emptyOnZero: true,
      gracefulExit: false,
    })
    this.#bar = this.#bars.create(bytes, 0, this.#payload(0))
  }

  update({ bytes }: Amount): void {
    this.#bar?.update(Math.min(bytes, this.#total), this.#payload(bytes))
  }

  end(): void {
    this.#bars?.update()
    this.#bars?.stop()
    this.#bars = undefined
    this.#bar = undefined
  }

  /** Writes a line of the log. */
  write(line: string): void {
    if (this.#bars === undefined) this.#plain(line)
    else {
      this.#bars.log(line)
      // At once: a process that is killed must not keep it to itself.
      this.#bars.update()
    }
  }

  #payload(bytes: number): object {
    const { rate, left } = pace(bytes, this.#total, performance.now() - this.#began)
    return {
      done: formatBytes(Math.min(bytes, this.#total)),
      all: formatBytes(this.#total),
      rate: formatBytes(Math.round(rate)),
      left: left === undefined ? '-:--' : clock(left),
    }
  }
}
