import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Inotify, InotifyBatch } from 'inotify'
import t, { type Test } from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { BIG } from '../support/table.js'

const TABLES = 100
const SETS = 125
const COMPONENTS = [...BIG, 'TOC.txt']

/** Counts the files within these directories that are opened or read from now on. */
function touched(t: Test, directories: readonly string[]): { files: string[]; lost: boolean } {
  const seen = { files: [] as string[], lost: false }
  const batch = new InotifyBatch({
    event(watch, mask, _cookie, name = '') {
      if ((mask & Inotify.IN_Q_OVERFLOW) !== 0) seen.lost = true
      else if ((mask & Inotify.IN_ISDIR) === 0) seen.files.push(`${watch}: ${name}`)
    },
  })
  t.teardown(() => batch.close())
  for (const path of directories) batch.add(path, Inotify.IN_ACCESS | Inotify.IN_OPEN)
  return seen
}

await t.test(
  '100,000 files in 100 tables that are in the bucket: few requests, nothing read, nothing sent',
  async t => {
    const node = await TestNode.create(t, { etags: 'opaque' })
    const directories = Array.from({ length: TABLES }, (_, table) =>
      join(node.data, `ks/t${table}-${String(table).padStart(32, '0')}`),
    )
    for (const [table, directory] of directories.entries()) {
      mkdirSync(directory, { recursive: true })
      for (let set = 1; set <= SETS; set++) {
        for (const component of COMPONENTS) {
          const path = join(directory, `nb-${set}-big-${component}`)
          if (component === 'TOC.txt') writeFileSync(path, COMPONENTS.join('\n'))
          else if (component !== 'Digest.crc32') writeFileSync(path, `${table} ${set} ${component}`)
          else writeFileSync(path, '')
        }
      }
    }
    const first = new Cli(node.args(['-r', '-B']))
    t.equal(await first.exit, 0, first.stderr.slice(-2000))
    t.match(first.stderr, /Uploaded 100000 files .* 0 failed/)
    for (const directory of directories) {
      const snapshot = join(directory, 'snapshots/before-upgrade')
      const files = readdirSync(directory).map(name => join(directory, name))
      mkdirSync(snapshot, { recursive: true })
      execFileSync('cp', ['-al', '-t', snapshot, '--', ...files])
    }
    const { requests } = node.bucket.server
    requests.length = 0
    const seen = touched(t, directories)
    const began = performance.now()
    const second = new Cli(node.args(['-r', '-B']))
    t.equal(await second.exit, 0)
    t.match(second.stderr, /Uploaded 0 files .* 100000 were there already; 0 failed/)
    t.comment(`${requests.length} requests, ${((performance.now() - began) / 1000).toFixed(1)} s`)
    t.ok(requests.length <= 350, `${requests.length} requests`)
    t.same(
      requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
      [],
      'nothing is written',
    )
    await sleep(200)
    t.same(seen, { files: [], lost: false }, 'no file is opened, none read')
    readFileSync(join(directories[7] ?? '', 'nb-1-big-Data.db'))
    await sleep(200)
    t.equal(seen.files.length, 2, 'what is opened and read is seen')
  },
)
