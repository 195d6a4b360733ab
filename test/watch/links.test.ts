import type { WatchOptions } from '../../src/watch/watch-options.js'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Watcher } from '../../src/watch/watcher.js'
import { until } from '../support/node.js'
import { WatchRecorder } from '../support/watch-recorder.js'

/** A watched directory `data` beside others that its symbolic links lead to. */
function bench(t: Test, prepare: (top: string) => void, options: Partial<WatchOptions> = {}) {
  const top = mkdtempSync(join(tmpdir(), 'tablesnap-links-'))
  mkdirSync(join(top, 'data'))
  prepare(top)
  const recorder = new WatchRecorder(top)
  const paths = [join(top, 'data')]
  const watcher = new Watcher(
    { paths, recursive: true, autoAdd: true, skip: () => false, ...options },
    recorder,
    recorder,
  )
  t.teardown(() => {
    watcher.close()
    rmSync(top, { recursive: true, force: true })
  })
  watcher.start()
  const told = async (line: string) => {
    await until(
      () => recorder.told.includes(line),
      10_000,
      () => `${line}: ${recorder.told.join('; ')}`,
    )
    return recorder.take()
  }
  return { top, watcher, recorder, told }
}

await t.test(
  'a directory is followed through a symbolic link, and its files have the path of the link',
  async t => {
    const { top, recorder, told, watcher } = bench(t, top => {
      mkdirSync(join(top, 'disk/ks/t'), { recursive: true })
      writeFileSync(join(top, 'disk/ks/t/f'), '')
      symlinkSync(join(top, 'disk/ks'), join(top, 'data/ks'))
    })
    t.same(recorder.take(), ['start data: [] [ks]', 'start data/ks: [] [t]', 'start data/ks/t: [f] []'])
    t.equal(watcher.size, 3)
    writeFileSync(join(top, 'disk/ks/t/g'), '')
    t.same(await told('closed data/ks/t/g'), ['created data/ks/t/g', 'closed data/ks/t/g'])
    mkdirSync(join(top, 'disk/ks/u'))
    t.same(await told('new data/ks/u: [] []'), ['new data/ks/u: [] []'])
  },
)

await t.test(
  'links in a circle end; a directory below is known under its own path, not under that of a link',
  t => {
    const { recorder, watcher } = bench(t, top => {
      mkdirSync(join(top, 'data/ks/t'), { recursive: true })
      symlinkSync('..', join(top, 'data/ks/up'))
      symlinkSync('ks/t', join(top, 'data/a-link-that-sorts-first'))
      symlinkSync('self', join(top, 'data/self'))
    })
    t.equal(watcher.size, 3)
    t.same(
      recorder.take().filter(line => !line.startsWith('start data:')),
      ['broken data/self', 'start data/ks: [] [t,up]', 'start data/ks/t: [] []'],
    )
    t.end()
  },
)

await t.test('a link that comes, goes, or is turned to another directory', async t => {
  const { top, recorder, told } = bench(t, top => {
    mkdirSync(join(top, 'one/below'), { recursive: true })
    mkdirSync(join(top, 'two'))
    writeFileSync(join(top, 'two/f'), '')
  })
  recorder.take()
  const link = join(top, 'data/link')
  symlinkSync(join(top, 'one'), link)
  t.same(await told('new data/link/below: [] []'), [
    'new data/link: [] [below]',
    'new data/link/below: [] []',
  ])
  symlinkSync(join(top, 'two'), join(top, 'turned'))
  renameSync(join(top, 'turned'), link)
  t.same((await told('new data/link: [f] []')).sort(), [
    'lost data/link',
    'lost data/link/below',
    'new data/link: [f] []',
  ])
  unlinkSync(link)
  t.same(await told('lost data/link'), ['lost data/link'])
})

await t.test('without -a a link that comes is named', async t => {
  const { top, told } = bench(t, top => mkdirSync(join(top, 'one')), { autoAdd: false })
  symlinkSync(join(top, 'one'), join(top, 'data/link'))
  t.match(await told('unwatched data/link'), ['start data: [] []', 'unwatched data/link'])
})

await t.test(
  'a directory above that is renamed, and a link in the middle that is turned, are seen within 2 s',
  async t => {
    const { top, recorder, told } = bench(
      t,
      top => {
        mkdirSync(join(top, 'disk/a/b/ks'), { recursive: true })
        mkdirSync(join(top, 'other/ks'), { recursive: true })
        symlinkSync(join(top, 'disk/a'), join(top, 'middle'))
        symlinkSync(join(top, 'middle/b/ks'), join(top, 'data/ks'))
      },
      { patient: true },
    )
    recorder.take()
    const began = performance.now()
    unlinkSync(join(top, 'middle'))
    await told('lost data/ks')
    t.ok(performance.now() - began < 2_000)
    renameSync(join(top, 'data'), join(top, 'moved'))
    await told('lost data')
    renameSync(join(top, 'moved'), join(top, 'data'))
    await told('new data: [] []')
    t.pass('the watched path itself')
  },
)

await t.test('a watched path below a directory that is renamed is waited for', async t => {
  const top = mkdtempSync(join(tmpdir(), 'tablesnap-links-'))
  const path = join(top, 'above/data')
  mkdirSync(path, { recursive: true })
  const recorder = new WatchRecorder(top)
  const options = { paths: [path], recursive: true, autoAdd: true, patient: true, skip: () => false }
  const watcher = new Watcher(options, recorder, recorder)
  t.teardown(() => {
    watcher.close()
    rmSync(top, { recursive: true, force: true })
  })
  watcher.start()
  recorder.take()
  const began = performance.now()
  renameSync(join(top, 'above'), join(top, 'elsewhere'))
  await until(() => recorder.told.includes('awaited above/data'), 5_000)
  t.ok(performance.now() - began < 2_000)
  t.match(recorder.take(), [
    'lost above/data',
    /^failed above\/data WATCH_LOST: .*renamed, deleted or replaced/,
  ])
  renameSync(join(top, 'elsewhere'), join(top, 'above'))
  await until(() => recorder.told.includes('new above/data: [] []'), 5_000)
})
