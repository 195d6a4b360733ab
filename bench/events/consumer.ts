// One of the two consumers of the scenario `events`, as a process of its own: addon|tracker, the folders, events, names.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { Inotify, InotifyBatch } from 'inotify'

import { RealClockwork } from '../../src/backup/clockwork.js'
import { Filter } from '../../src/backup/filter.js'
import { LocalDisk } from '../../src/backup/local-disk.js'
import { Outcomes } from '../../src/backup/outcomes.js'
import { SensorNews } from '../../src/backup/sensor-news.js'
import { Sensor } from '../../src/backup/sensor.js'
import { TableRegistry } from '../../src/backup/table-registry.js'
import { Turns } from '../../src/backup/turns.js'
import { createLogger } from '../../src/report/log.js'
import { Activity } from '../../src/status/activity.js'
import type { Orders, TableSettings } from '../../src/tables/ports.js'
import { Table } from '../../src/tables/table.js'
import { Watcher } from '../../src/watch/watcher.js'
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

/** tablesnap's own way from the record to the SSTable that is marked as changed; what would come after it is stopped. */
function watchBySensor(): () => number {
  const filter = new Filter({ exclude: [], include: [], snapshots: false, backups: false }, [into])
  const isBackedUp = (directory: string, name: string) => filter.file(directory, name)
  const log = createLogger({ format: 'text' }, () => undefined)
  const clockwork = new RealClockwork([])
  const disk = new LocalDisk()
  const nothing = () => undefined
  const orders: Orders = {
    upload: nothing,
    present: nothing,
    unlinked: nothing,
    restorePoint: nothing,
    rescan: nothing,
    wake: nothing,
    tell: nothing,
  }
  const settings: TableSettings = {
    settle: 1000,
    backsUpExisting: false,
    isOneShot: false,
    looksForUnannounced: true,
    isBackedUp,
    tookOver: false,
    acceptedEpoch: 0,
    deletesUploaded: false,
  }
  const tables = new TableRegistry(name => new Table(name, settings, disk, orders, clockwork))
  const turns = new Turns(clockwork, clockwork)
  turns.stop()
  const news = new SensorNews(log, new Outcomes(log, false), { isBackedUp, activity: new Activity() })
  const sensor = new Sensor(tables, turns, disk, news, {
    listenEvents: ['IN_MOVED_TO', 'IN_CLOSE_WRITE', 'IN_CREATE'],
    isBackedUp,
  })
  const file = sensor.file.bind(sensor)
  sensor.file = (directory, name, event) => {
    file(directory, name, event)
    took()
  }
  new Watcher({ paths: [into], recursive: false, autoAdd: false, skip: () => false }, sensor, news).start()
  return () => {
    let dirty = 0
    for (const table of tables) for (const { status } of table.files()) if (status === 'dirty') dirty++
    return dirty
  }
}

const marked = kind === 'tracker' ? watchBySensor() : watchByAddon()
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
