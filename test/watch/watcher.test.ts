import type { WatchOptions } from '../../src/watch/watch-options.js'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Watcher } from '../../src/watch/watcher.js'
import { until } from '../support/node.js'
import { WatchRecorder } from '../support/watch-recorder.js'

interface Bench {
  readonly root: string
  readonly watcher: Watcher
  readonly recorder: WatchRecorder
  /** What is told until the events of now have come in. */
  readonly soon: () => Promise<string[]>
}

function bench(
  t: Test,
  options: Partial<WatchOptions> = {},
  prepare: (root: string) => void = () => undefined,
): Bench {
  const root = mkdtempSync(join(tmpdir(), 'tablesnap-watcher-'))
  prepare(root)
  const recorder = new WatchRecorder(root)
  const watcher = new Watcher(
    {
      paths: [root],
      recursive: true,
      autoAdd: true,
      skip: () => false,
      ...options,
    },
    recorder,
    recorder,
  )
  t.teardown(() => {
    watcher.close()
    rmSync(root, { recursive: true, force: true })
  })
  watcher.start()
  let marks = 0
  const soon = async () => {
    const mark = `mark-${marks++}`
    writeFileSync(join(root, mark), '')
    unlinkSync(join(root, mark))
    await until(() => recorder.told.includes(`gone ${mark}`))
    return recorder.take().filter(line => !line.includes('mark-'))
  }
  return { root, watcher, recorder, soon }
}

await t.test('what there is at the start, and what happens to files', async t => {
  const { root, recorder, soon, watcher } = bench(t, {}, root => {
    mkdirSync(join(root, 'a/b'), { recursive: true })
    writeFileSync(join(root, 'a/f'), '')
    symlinkSync('f', join(root, 'a/link'))
    symlinkSync('b', join(root, 'a/dirlink'))
    symlinkSync('nowhere', join(root, 'a/dangling'))
  })
  t.same(recorder.take(), [
    'start .: [] [a]',
    'broken a/dangling',
    'start a: [f,link] [b,dirlink]',
    'start a/b: [] []',
  ])
  t.equal(watcher.size, 3)
  writeFileSync(join(root, 'a/g'), 'x')
  linkSync(join(root, 'a/g'), join(root, 'a/b/h'))
  renameSync(join(root, 'a/g'), join(root, 'a/b/i'))
  unlinkSync(join(root, 'a/b/i'))
  t.same(await soon(), [
    'created a/g',
    'closed a/g',
    'created a/b/h',
    'gone a/g',
    'moved-in a/b/i',
    'gone a/b/i',
  ])
})

await t.test('new directories are watched, then scanned, all of them once', async t => {
  const { root, recorder, soon } = bench(t, { skip: path => path.endsWith('/skipped') })
  recorder.take()
  mkdirSync(join(root, 'n/deep/er'), { recursive: true })
  writeFileSync(join(root, 'n/deep/er/f'), '')
  mkdirSync(join(root, 'n/skipped'))
  const told = await soon()
  t.same(told, ['new n: [] [deep,skipped]', 'new n/deep: [] [er]', 'new n/deep/er: [f] []'])
  writeFileSync(join(root, 'n/deep/er/f'), 'x')
  t.same(await soon(), ['closed n/deep/er/f'])
})

await t.test('nothing falls between watch and scan, however fast the writer is', async t => {
  const { root, soon } = bench(t)
  const script = `const { mkdirSync, writeFileSync } = require('node:fs')
    for (let i = 0; i < 1500; i++) {
      mkdirSync('d' + i)
      writeFileSync('d' + i + '/f', '')
      mkdirSync('d' + i + '/e')
    }`
  await once(spawn(process.execPath, ['-e', script], { cwd: root, stdio: 'inherit' }), 'close')
  const told = await soon()
  const seen = new Set<string>()
  for (const line of told) {
    const [, directory] = /^new (d\d+): \[f\]/.exec(line) ?? /^(?:created|closed) (d\d+)\/f$/.exec(line) ?? []
    if (directory !== undefined) seen.add(directory)
  }
  t.equal(seen.size, 1500)
  t.equal(told.filter(line => /^new d\d+\/e: /.test(line)).length, 1500, 'each directory is scanned once')
  t.notOk(told.some(line => line.startsWith('lost')))
})

await t.test('directories that go, move and come again', async t => {
  const { root, recorder, soon, watcher } = bench(t, {}, root => {
    mkdirSync(join(root, 'a/b'), { recursive: true })
    writeFileSync(join(root, 'a/b/f'), '')
  })
  recorder.take()
  renameSync(join(root, 'a'), join(root, 'z'))
  t.same(await soon(), ['lost a', 'lost a/b', 'new z: [] [b]', 'new z/b: [f] []'])
  rmSync(join(root, 'z'), { recursive: true })
  mkdirSync(join(root, 'z'))
  const told = await soon()
  t.same(
    told.filter(line => /^(lost|new)/.test(line)),
    ['lost z/b', 'lost z', 'new z: [] []'],
  )
  t.equal(watcher.size, 2)
})

await t.test('without -a new directories are not followed, without -r none below', async t => {
  const { root, soon, recorder } = bench(t, { recursive: false, autoAdd: false }, root =>
    mkdirSync(join(root, 'old')),
  )
  t.same(recorder.take(), ['start .: [] [old]'])
  mkdirSync(join(root, 'new'))
  writeFileSync(join(root, 'new/f'), '')
  writeFileSync(join(root, 'old/f'), '')
  t.same(await soon(), ['unwatched new'])
})

await t.test('a watched path that goes', async t => {
  const top = mkdtempSync(join(tmpdir(), 'tablesnap-watcher-'))
  t.teardown(() => rmSync(top, { recursive: true, force: true }))
  const paths = ['a', 'b', 'c'].map(name => join(top, name))
  for (const path of paths) mkdirSync(path)
  const recorder = new WatchRecorder(top)
  const watcher = new Watcher(
    { paths, recursive: true, autoAdd: true, skip: () => false },
    recorder,
    recorder,
  )
  t.teardown(() => watcher.close())
  watcher.start()
  recorder.take()
  rmSync(paths[0]!, { recursive: true })
  renameSync(paths[1]!, join(top, 'd'))
  await until(() => recorder.told.filter(line => line.startsWith('failed')).length === 2)
  t.same(recorder.take(), [
    'lost a',
    'failed a WATCH_LOST: /a is no longer watched: it was deleted; tablesnap watches it again as soon as it is back',
    'lost b',
    'failed b WATCH_LOST: /b is no longer watched: it was renamed; tablesnap watches it again as soon as it is back',
  ])
  t.equal(watcher.size, 1)
})

await t.test('another scan finds what the events would have told', async t => {
  const { root, watcher, recorder } = bench(t, {}, root => {
    for (const name of ['stays', 'goes', 'moves', 'changes']) {
      mkdirSync(join(root, name))
      writeFileSync(join(root, name, 'f'), '')
    }
  })
  recorder.take()
  rmSync(join(root, 'goes'), { recursive: true })
  renameSync(join(root, 'moves'), join(root, 'moved'))
  rmSync(join(root, 'changes'), { recursive: true })
  mkdirSync(join(root, 'changes'))
  writeFileSync(join(root, 'changes/g'), '')
  mkdirSync(join(root, 'fresh/deep'), { recursive: true })
  // Before the loop has read a single event.
  watcher.rescan()
  t.same(recorder.take().sort(), [
    'lost changes',
    'lost goes',
    'lost moves',
    'new changes: [g] []',
    'new fresh/deep: [] []',
    'new fresh: [] [deep]',
    'new moved: [f] []',
    'rescan .: [] [changes,fresh,moved,stays]',
    'rescan stays: [f] []',
  ])
  t.equal(watcher.size, 6)
})

/** Lets this process open no more files. @returns what ends that */
function exhaust(): () => void {
  const limit = (soft: string) => execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${soft}:`])
  const [, soft = '1024'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  limit('256')
  const held: number[] = []
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    // There is none left.
  }
  return () => {
    for (const fd of held) closeSync(fd)
    limit(soft)
  }
}

await t.test('a scan for which there is no descriptor left is made up for a second later', async t => {
  const { root, recorder, watcher } = bench(t, {}, root => {
    mkdirSync(join(root, 'a'))
    writeFileSync(join(root, 'a/f'), '')
  })
  recorder.take()
  const end = exhaust()
  watcher.rescan([join(root, 'a')])
  end()
  t.match(recorder.take(), [/^failed a WATCH_SHORT: .*too many open files/])
  t.ok(watcher.isBehind)
  await until(() => recorder.told.length > 0)
  t.same(recorder.take(), ['rescan a: [f] []'])
  t.notOk(watcher.isBehind)
})

await t.test('a path that leads to a directory that is watched already', async t => {
  const { recorder, watcher } = bench(t, {}, root => {
    mkdirSync(join(root, 'a'))
  })
  t.equal(watcher.size, 2)
  recorder.take()
  const link = mkdtempSync(join(tmpdir(), 'tablesnap-watcher-'))
  t.teardown(() => rmSync(link, { recursive: true }))
  symlinkSync(join(recorder.root, 'a'), join(link, 'a'))
  const second = new Watcher(
    { paths: [recorder.root, join(link, 'a')], recursive: true, autoAdd: true, skip: () => false },
    recorder,
    recorder,
  )
  t.teardown(() => second.close())
  second.start()
  t.equal(second.size, 2, 'the first path names its files')
  second.rescan()
  t.equal(second.size, 2)
})

await t.test('names that are not UTF-8', async t => {
  const { root, soon, recorder } = bench(t, {}, root => {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/old-`), Buffer.from([0xff])]), '')
  })
  t.same(recorder.take(), ['unreadable . old-\ufffd', 'start .: [] []'])
  const path = Buffer.concat([Buffer.from(`${root}/new-`), Buffer.from([0xff])])
  writeFileSync(path, '')
  unlinkSync(path)
  writeFileSync(join(root, 'really-\ufffd'), '')
  t.same(await soon(), [
    'unreadable . new-\ufffd',
    'unreadable . new-\ufffd',
    'created really-\ufffd',
    'closed really-\ufffd',
  ])
})

await t.test('what cannot be watched', t => {
  const root = mkdtempSync(join(tmpdir(), 'tablesnap-watcher-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'file'), '')
  for (const [name, code] of [
    ['missing', 'WATCH_GONE'],
    ['file', 'WATCH_NOT_DIRECTORY'],
  ] as const) {
    const paths = [join(root, name)]
    const recorder = new WatchRecorder(root)
    const watcher = new Watcher(
      { paths, recursive: true, autoAdd: true, skip: () => false },
      recorder,
      recorder,
    )
    t.throws(() => watcher.start(), { code })
    watcher.close()
  }
  t.end()
})
