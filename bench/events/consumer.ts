// One of the two consumers of the scenario `events`, as a process of its own: addon|tracker, the folders, events, names.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { Inotify, InotifyBatch } from 'inotify'

import { Tracker } from '../../src/backup/tracker.js'
import { Filter } from '../../src/plan/filter.js'
import { createLogger } from '../../src/report/log.js'
import { Watcher, type WatchListener } from '../../src/watch/watcher.js'
import { program } from '../program.js'

/** As in bench/c/renames.c: twice so many events are free, and each byte allows so many more. */
const STEP = 4096

const { IN_CREATE, IN_CLOSE_WRITE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE } = Inotify
const [kind, aside = '', into = '', count = '0', names = '0'] = process.argv.slice(2)
const total = Number(count)

let seen = 0
let finish: () => void = () => undefined
const finished = new Promise<void>(resolve => (finish = resolve))

/** The least that a consumer can do. */
function watchByAddon(): () => number {
  const batch = new InotifyBatch({ event: () => took() })
  batch.add(into, IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
  return () => 0
}

/** tablesnap's own way from the record to the set that is marked dirty; what would come after it is stopped. */
function watchByTracker(): () => number {
  const filter = new Filter({ exclude: [], include: [], snapshots: false, backups: false }, [into])
  const tracker = new Tracker({
    existing: false,
    settle: 1000,
    retry: false,
    listenEvents: ['IN_MOVED_TO', 'IN_CLOSE_WRITE', 'IN_CREATE'],
    filter,
    log: createLogger('text', () => undefined),
    onProblem: (path, message) => process.stderr.write(`${path}: ${message}\n`),
    clock: () => Date.now(),
    onUnit: () => undefined,
    onComplete: () => undefined,
    onScanned: () => undefined,
    onChange: () => undefined,
    onGap: () => undefined,
    onUnlinked: () => undefined,
    onUnwatched: () => undefined,
  })
  tracker.stop()
  const listener: WatchListener = {
    file(directory, name, event) {
      tracker.file(directory, name, event)
      took()
    },
    scanned: (directory, listing, reason) => tracker.scanned(directory, listing, reason),
    lost: path => tracker.lost(path),
    unreadable: (directory, name) => tracker.unreadable(directory, name),
    overflow: () => tracker.overflow(),
    failed: (directory, error) => tracker.failed(directory, error),
    unwatched: directory => tracker.unwatched(directory),
    awaited: path => tracker.awaited(path),
  }
  new Watcher({ paths: [into], recursive: false, autoAdd: false, skip: () => false }, listener).start()
  return () => [...tracker.in('dirty')].length
}

const marked = kind === 'tracker' ? watchByTracker() : watchByAddon()
const producer = spawn(await program('renames'), [aside, into, count, names], {
  stdio: ['pipe', 'ignore', 'inherit'],
})
// It ends by itself; what it is still told then is of no use.
producer.stdin.on('error', () => undefined)
await once(producer, 'spawn')

function took(): void {
  seen++
  if (seen % STEP === 0) producer.stdin.write('.')
  if (seen === total) finish()
}

const before = process.cpuUsage()
const began = performance.now()
await finished
const { user, system } = process.cpuUsage(before)
const wall = (performance.now() - began) / 1000
process.stdout.write(`${JSON.stringify({ user: user / 1e6, sys: system / 1e6, wall, marked: marked() })}\n`)
process.exit(0)
