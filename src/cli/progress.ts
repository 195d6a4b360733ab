import { createRequire } from 'node:module'

import type * as CliProgress from 'cli-progress'

import { formatBytes } from '../report/format.js'
import type { Write } from '../report/log.js'
import { clock, PaceKeeper, type Amount, type Pace, type Progress, type Work } from '../report/progress.js'

const require = createRequire(import.meta.url)

/** Redraws a second. */
const FPS = 5

/** Columns of the bar itself. */
const LEAST_BAR = 8
const MOST_BAR = 40

/** Progress as a bar at the bottom of a terminal; lines of the log go above it. */
export class ProgressBar implements Progress {
  readonly #stream: NodeJS.WritableStream & { readonly columns?: number }
  readonly #plain: Write
  readonly #atExit = (): void => this.end()
  #work: Work | undefined
  #keeper = new PaceKeeper({ count: 0, bytes: 0 })
  #bars: CliProgress.MultiBar | undefined
  #bar: CliProgress.SingleBar | undefined

  /** @param plain writes a line while there is no bar */
  constructor(stream: NodeJS.WritableStream & { readonly columns?: number }, plain: Write) {
    this.#stream = stream
    this.#plain = plain
  }

  begin(work: Work, total: Amount): void {
    this.#work = work
    this.#keeper = new PaceKeeper(total)
    // Loaded only where it is used: most runs have no terminal.
    const { MultiBar } = require('cli-progress') as typeof CliProgress
    this.#bars = new MultiBar({
      stream: this.#stream,
      format: () => this.#line(),
      fps: FPS,
      clearOnComplete: true,
      // A process that is killed would leave the terminal without it.
      linewrap: true,
      forceRedraw: true,
      emptyOnZero: true,
      gracefulExit: false,
    })
    this.#bar = this.#bars.create(1, 0)
    // A third Ctrl-C ends the process at once: the bar must not stay under the prompt.
    process.once('exit', this.#atExit)
  }

  update(done: Amount, total?: Amount): void {
    this.#keeper.update(done, total)
    this.#bar?.update(0)
  }

  end(): void {
    process.removeListener('exit', this.#atExit)
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

  #line(): string {
    // A serial console does not know how many it has.
    return barLine(this.#keeper.pace, this.#work?.things ?? 'files', (this.#stream.columns ?? 0) || 80)
  }
}

/**
 * Columns that stay free behind the line: some terminals wrap in the last one, and one that echoes `^C` must not wrap it, or the line could
 * not be taken away any more.
 */
const FREE = 3

/** Characters of a usual rate and a usual time: a bar whose length changes with every figure beside it is unrest. */
const RATE = '999.9 MiB/s'.length
const TIME = '59:59 left'.length

/**
 * One line: the bar, and how far the work is. In a narrow terminal what matters less is left out. Nothing is shown before anything is known of the work.
 */
export function barLine({ done, total, rate, left }: Pace, things: Work['things'], columns: number): string {
  if (total.count === 0) return ''
  const share = total.bytes === 0 ? 0 : done.bytes / total.bytes
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`
  const count = `${done.count}/${total.count} ${things}`.padStart(2 * digits(total.count) + things.length + 2)
  const all = formatBytes(total.bytes)
  const amount = `${formatAs(done.bytes, total.bytes)}/${all}`.padStart(2 * all.length - 3)
  const speed = `${formatBytes(Math.round(rate))}/s`.padStart(RATE)
  const end = `${left === undefined ? '-:--' : clock(left)} left`.padStart(TIME)
  const room = columns - FREE
  for (const parts of [
    [percent, count, amount, speed, end],
    [percent, amount, speed, end],
    [percent, amount, end],
    [percent, end],
  ]) {
    const text = parts.join('  ')
    const width = Math.min(MOST_BAR, room - text.length - 3)
    if (width < LEAST_BAR) continue
    const full = Math.floor(share * width)
    return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${text}`
  }
  return percent.slice(0, Math.max(0, room))
}

function digits(count: number): number {
  return String(count).length
}

/** Bytes as a number of the unit that others are shown in: `0.3` for 300 MiB beside `4.0 GiB`. */
function formatAs(bytes: number, others: number): string {
  let [value, rest] = [bytes, others]
  while (rest >= 1024 && rest < 1024 ** 6) [value, rest] = [value / 1024, rest / 1024]
  return rest === others ? String(value) : value.toFixed(1)
}
