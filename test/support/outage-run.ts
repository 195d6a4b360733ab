import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Test } from 'tap'

import { LocalS3 } from '../../dev/local-s3/index.js'
import type { RequestRecord } from '../../dev/local-s3/request-log.js'

import { Cli } from './cli.js'
import { TestNode, until } from './node.js'

const MEBIBYTE = 2 ** 20

/** Files of an SSTable of {@link Table}. */
const COMPONENTS = 8

const TABLES = 10

/** SSTables before the outage: they start the worker threads and fill the buffers. */
const WARM_UP = 400

/** Growth of the memory that an outage, and the catch-up after it, may cost, MiB. */
const MOST_GROWTH = 50

/** Log lines that an outage may have. */
const MOST_LINES = 30

/** Files of the node that may stay open while S3 is away: those of eight uploads under way, and what is open for a moment. */
const MOST_OPEN = 72

/** How long an outage lasts, and how much is written meanwhile. */
export interface Outage {
  readonly seconds: number
  readonly files: number
}

/** Watches the memory and the descriptors of a process. */
class ProcessWatch {
  /** Bytes, at most since {@link reset}. */
  rss = 0
  /** Open files below the node's data directory, at most since {@link reset}. */
  open = 0
  readonly #timer: NodeJS.Timeout

  constructor(
    readonly pid: number,
    readonly data: string,
  ) {
    this.#timer = setInterval(() => this.look(), 500)
  }

  /** CPU time that it has used, s. @source proc(5): utime and stime of stat, in hundredths of a second */
  get cpu(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
    return (Number(user) + Number(system)) / 100
  }

  look(): void {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? []
    this.rss = Math.max(this.rss, Number(kibibytes) * 1024)
    this.open = Math.max(this.open, this.#open())
  }

  reset(): void {
    this.rss = this.open = 0
    this.look()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #open(): number {
    const folder = `/proc/${this.pid}/fd`
    let count = 0
    for (const fd of readdirSync(folder)) {
      try {
        if (readlinkSync(join(folder, fd)).startsWith(`${this.data}/`)) count += 1
      } catch {
        // It was closed meanwhile.
      }
    }
    return count
  }
}

/** Counts the successful uploads by key; the server's log keeps the latest requests alone. */
class Uploads {
  readonly counts = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  #last: RequestRecord | undefined

  constructor(readonly server: LocalS3) {
    this.#timer = setInterval(() => this.look(), 50)
  }

  look(): void {
    const { requests } = this.server
    const begin = this.#last === undefined ? 0 : requests.lastIndexOf(this.#last) + 1
    let end = begin
    while (end < requests.length && requests[end]?.status !== 0) end += 1
    for (const { operation, key, status } of requests.slice(begin, end)) {
      const isStored =
        status === 200 && (operation === 'PutObject' || operation === 'CompleteMultipartUpload')
      if (isStored && /^node1:.*(?<!-listdir\.json)$/.test(key))
        this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    }
    this.#last = requests[end - 1] ?? this.#last
  }

  end(): void {
    clearInterval(this.#timer)
    this.look()
  }
}

/** Takes S3 away from a daemon while Cassandra flushes, and checks memory, log, descriptors and the uploads that follow. */
export async function outageRun(t: Test, { seconds, files }: Outage): Promise<void> {
  const node = await TestNode.create(t, { etags: 'opaque' })
  const tables = Array.from({ length: TABLES }, (_, i) => node.table(`ks/t${i}-${String(i).repeat(32)}`))
  let generation = 0
  const flush = (): void => {
    const table = tables[generation % TABLES]!
    table.flush(`nb-${++generation}-big`, { bytes: 300 })
    table.contents.clear()
  }
  const daemon = new Cli(node.args(['-r', '-a', '-B', '--watch']))
  t.teardown(async () => {
    daemon.kill('SIGKILL')
    await daemon.exit
  })
  await daemon.seen(/Watching \d+ director/)
  for (let i = 0; i < WARM_UP; i++) flush()
  const stored = async (): Promise<number> =>
    (await node.keys('node1:')).filter(key => !key.endsWith('-listdir.json')).length
  const caughtUp = async (): Promise<void> => {
    await until(async () => {
      // A LIST of 50,000 keys costs the server much.
      await sleep(files / 20)
      return (await stored()) === generation * COMPONENTS
    }, 900_000)
    await daemon.seen(/Everything below .* is backed up[^]*$/, 60_000)
  }
  await caughtUp()
  const watch = new ProcessWatch(daemon.child.pid!, node.data)
  t.teardown(() => watch.end())
  await sleep(5_000)
  watch.reset()
  const before = watch.rss

  const { port } = node.bucket.server
  await node.bucket.server.close()
  const from = daemon.stderr.length
  const [began, sets] = [performance.now(), files / COMPONENTS]
  for (let i = 0; i < sets; i++) {
    flush()
    const due = began + (seconds * 1_000 * (i + 1)) / sets
    if (i % 10 === 9) await sleep(Math.max(0, due - performance.now()))
  }
  await sleep(Math.max(0, began + seconds * 1_000 - performance.now()))
  watch.look()
  const during = watch.rss
  const lines = daemon.stderr.slice(from).trimEnd().split('\n')
  const mostOpen = watch.open
  watch.reset()
  const openAtEnd = watch.open
  const mebibytes = (bytes: number): number => Math.round(bytes / MEBIBYTE)
  t.comment(
    `outage of ${seconds} s, ${files} files: RSS ${mebibytes(before)} to ${mebibytes(during)} MiB, ${lines.length} log lines, at most ${mostOpen} files open, ${openAtEnd} at its end`,
  )
  t.comment(lines.slice(0, 40).join('\n'))
  t.ok(mebibytes(during - before) < MOST_GROWTH, `memory grew by ${mebibytes(during - before)} MiB`)
  t.ok(lines.length <= MOST_LINES, `${lines.length} log lines`)
  t.ok(openAtEnd <= MOST_OPEN, `${openAtEnd} files open`)

  const server = await LocalS3.start({ directory: join(node.bucket.directory, 's3'), port, etags: 'opaque' })
  t.teardown(() => server.close())
  const uploads = new Uploads(server)
  t.teardown(() => uploads.end())
  const [returned, used] = [performance.now(), watch.cpu]
  await caughtUp()
  uploads.end()
  watch.look()
  const took = (performance.now() - returned) / 1_000
  t.comment(
    `caught up in ${took.toFixed(1)} s, ${(watch.cpu - used).toFixed(1)} s of CPU time; RSS at most ${mebibytes(watch.rss)} MiB`,
  )
  t.ok(
    mebibytes(watch.rss - before) < MOST_GROWTH,
    `memory grew by ${mebibytes(watch.rss - before)} MiB until all was uploaded`,
  )
  t.equal(uploads.counts.size, files, 'every file was uploaded after the outage')
  t.same(
    [...uploads.counts].filter(([, count]) => count > 1),
    [],
    'none twice',
  )
  watch.reset()
  t.ok(watch.open <= 2, `${watch.open} files open at the end`)
  for (const table of tables) await node.same(t, table.paths().slice(-COMPONENTS * 5))
}
