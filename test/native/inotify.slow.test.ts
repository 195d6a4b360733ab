import { Inotify, constants, version, type InotifyEvent } from 'inotify'
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { folder, inotifyDescriptors, thrown, until } from './support.js'

const { IN_CREATE, IN_DELETE, IN_IGNORED, IN_ISDIR, IN_MOVED_FROM, IN_MOVED_TO, IN_DELETE_SELF } = constants

/** The header's numbers, written out: a wrong table would agree with itself. */
const HEADER = {
  IN_ACCESS: 0x1,
  IN_MODIFY: 0x2,
  IN_ATTRIB: 0x4,
  IN_CLOSE_WRITE: 0x8,
  IN_CLOSE_NOWRITE: 0x10,
  IN_CLOSE: 0x18,
  IN_OPEN: 0x20,
  IN_MOVED_FROM: 0x40,
  IN_MOVED_TO: 0x80,
  IN_MOVE: 0xc0,
  IN_CREATE: 0x100,
  IN_DELETE: 0x200,
  IN_DELETE_SELF: 0x400,
  IN_MOVE_SELF: 0x800,
  IN_ALL_EVENTS: 0xfff,
  IN_UNMOUNT: 0x2000,
  IN_Q_OVERFLOW: 0x4000,
  IN_IGNORED: 0x8000,
  IN_ONLYDIR: 0x1000000,
  IN_DONT_FOLLOW: 0x2000000,
  IN_EXCL_UNLINK: 0x4000000,
  IN_MASK_CREATE: 0x10000000,
  IN_MASK_ADD: 0x20000000,
  IN_ISDIR: 0x40000000,
  IN_ONESHOT: 0x80000000,
}

await t.test('all constants of the kernel, read-only', t => {
  t.same(constants, HEADER)
  for (const [name, value] of Object.entries(HEADER)) {
    t.equal(Reflect.get(Inotify, name), value, name)
    t.equal(Reflect.set(Inotify, name, 0), false)
  }
  t.match(version, /^\d+\.\d+\.\d+/)
  t.end()
})

await t.test('one callback per event, with the instance as this', async t => {
  const path = folder(t)
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  const events: InotifyEvent[] = []
  const receivers = new Set<unknown>()
  const watch = inotify.addWatch({
    path,
    watch_for: IN_CREATE | constants.IN_MOVE | IN_DELETE,
    callback(event) {
      receivers.add(this)
      events.push(event)
    },
  })
  writeFileSync(join(path, 'a'), '')
  renameSync(join(path, 'a'), join(path, 'b'))
  mkdirSync(join(path, 'd'))
  rmSync(join(path, 'b'))
  await until(() => events.length >= 5)
  const cookie = events[1]!.cookie
  t.not(cookie, 0)
  t.strictSame(events, [
    { watch, mask: IN_CREATE, cookie: 0, name: 'a' },
    { watch, mask: IN_MOVED_FROM, cookie, name: 'a' },
    { watch, mask: IN_MOVED_TO, cookie, name: 'b' },
    { watch, mask: IN_CREATE | IN_ISDIR, cookie: 0, name: 'd' },
    { watch, mask: IN_DELETE, cookie: 0, name: 'b' },
  ])
  t.strictSame([...receivers], [inotify])
})

await t.test('without watch_for everything is reported; the watched object itself has no name', async t => {
  const path = join(folder(t), 'f')
  writeFileSync(path, '')
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  const events: InotifyEvent[] = []
  const watch = inotify.addWatch({ path, callback: event => events.push(event) })
  readFileSync(path)
  rmSync(path)
  await until(() => events.some(event => event.mask === IN_IGNORED))
  t.strictSame(
    events.map(event => event.mask),
    [constants.IN_OPEN, constants.IN_CLOSE_NOWRITE, constants.IN_ATTRIB, IN_DELETE_SELF, IN_IGNORED],
  )
  t.ok(events.every(event => event.watch === watch && !('name' in event)))
})

await t.test('arguments of the wrong kind', t => {
  const path = folder(t)
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  const add = (options: unknown) => inotify.addWatch(options as Parameters<Inotify['addWatch']>[0])
  const callback = () => undefined
  for (const options of [undefined, null, 1, 'x']) {
    t.throws(() => add(options), new TypeError('You must specify an object as first argument'))
  }
  for (const wrong of [undefined, null, 1, {}]) {
    t.throws(
      () => add({ path: wrong, callback }),
      new TypeError('You must specify a path to watch for events'),
    )
    t.throws(() => add({ path, callback: wrong }), new TypeError('You must specify a callback function'))
  }
  for (const watch_for of [0, null, '1', 1.5, NaN, 2 ** 32, -(2 ** 31) - 1]) {
    t.throws(() => add({ path, callback, watch_for }), new TypeError("You must specify OR'ed set of events"))
  }
  t.throws(() => add({ path: 'a\0b', callback }), new TypeError('path must not contain a NUL'))
  for (const watch of [undefined, null, '1', 1.5, 2 ** 31]) {
    t.throws(
      () => inotify.removeWatch(watch as number),
      new TypeError('You must specify a valid watcher descriptor as argument'),
    )
  }
  t.throws(() => (Inotify as unknown as () => unknown)(), TypeError)
  t.end()
})

await t.test('IN_ONESHOT, alone or in an OR, is a valid mask', async t => {
  const path = folder(t)
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  const masks: number[] = []
  inotify.addWatch({
    path,
    watch_for: IN_CREATE | constants.IN_ONESHOT,
    callback: event => masks.push(event.mask),
  })
  writeFileSync(join(path, 'a'), '')
  writeFileSync(join(path, 'b'), '')
  await until(() => masks.includes(IN_IGNORED))
  t.strictSame(masks, [IN_CREATE, IN_IGNORED])
  t.ok(inotify.addWatch({ path, watch_for: Inotify.IN_ONESHOT, callback: () => undefined }) > 0)
})

await t.test('removeWatch: IN_IGNORED follows, then silence; the other watches live on', async t => {
  const path = folder(t)
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  for (const name of ['one', 'two']) mkdirSync(join(path, name))
  const events: string[] = []
  const [one, two] = ['one', 'two'].map(name =>
    inotify.addWatch({
      path: join(path, name),
      watch_for: IN_CREATE,
      callback: event => events.push(`${name} ${event.mask.toString(16)} ${event.name ?? '-'}`),
    }),
  )
  writeFileSync(join(path, 'one', 'a'), '')
  t.equal(inotify.removeWatch(one!), true)
  writeFileSync(join(path, 'one', 'b'), '')
  writeFileSync(join(path, 'two', 'c'), '')
  await until(() => events.length >= 3)
  t.strictSame(events, ['one 100 a', 'one 8000 -', 'two 100 c'])
  t.match(
    thrown(() => inotify.removeWatch(one!)),
    { code: 'EINVAL', errno: -22, syscall: 'inotify_rm_watch' },
  )
  t.equal(inotify.removeWatch(two!), true)
})

await t.test('the same object added twice: one number, the newer callback and mask', async t => {
  const path = folder(t)
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  symlinkSync(path, join(path, 'alias'))
  const events: string[] = []
  const add = (which: string, watch_for: number, at = path) =>
    inotify.addWatch({ path: at, watch_for, callback: event => events.push(`${which} ${event.name ?? '-'}`) })
  const watch = add('first', IN_CREATE)
  t.equal(add('second', IN_CREATE, join(path, 'alias')), watch)
  writeFileSync(join(path, 'a'), '')
  t.equal(add('third', IN_DELETE | constants.IN_MASK_ADD), watch)
  linkSync(join(path, 'a'), join(path, 'b'))
  rmSync(join(path, 'b'))
  t.equal(thrown(() => add('fourth', IN_CREATE | constants.IN_MASK_CREATE))?.code, 'EEXIST')
  await until(() => events.length >= 3)
  // callbacks are looked up when an event is delivered
  t.strictSame(events, ['third a', 'third b', 'third b'])
  inotify.removeWatch(watch)
  const next = add('fifth', IN_CREATE)
  t.not(next, watch)
  writeFileSync(join(path, 'c'), '')
  await until(() => events.includes('fifth c'))
  t.strictSame(events.slice(3), ['third -', 'fifth c'])
})

await t.test('close within a callback, and again; nothing comes afterwards', async t => {
  const path = folder(t)
  const before = inotifyDescriptors()
  const inotify = new Inotify()
  let calls = 0
  inotify.addWatch({
    path,
    callback() {
      calls++
      t.equal(this.close(), true)
    },
  })
  for (const name of ['a', 'b', 'c']) writeFileSync(join(path, name), '')
  await until(() => calls > 0)
  await new Promise(setImmediate)
  t.equal(calls, 1)
  t.equal(inotify.close(), true)
  t.equal(inotifyDescriptors(), before)
  t.match(
    thrown(() => inotify.addWatch({ path, callback: () => undefined })),
    { code: 'EBADF', path },
  )
  t.equal(thrown(() => inotify.removeWatch(1))?.code, 'EBADF')
})

await t.test('adding and removing within a callback', async t => {
  const path = folder(t)
  mkdirSync(join(path, 'sub'))
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  const events: string[] = []
  const watch = inotify.addWatch({
    path,
    watch_for: IN_CREATE,
    callback(event) {
      events.push(event.name ?? 'ignored')
      if (event.name !== 'a') return
      this.removeWatch(watch)
      this.addWatch({ path: join(path, 'sub'), callback: inner => events.push(`sub/${inner.name!}`) })
      mkdirSync(join(path, 'sub', 'x'))
    },
  })
  writeFileSync(join(path, 'a'), '')
  writeFileSync(join(path, 'b'), '')
  await until(() => events.includes('sub/x'))
  t.strictSame(events, ['a', 'b', 'ignored', 'sub/x'])
})

await t.test('persistent: only a sole boolean counts; false lets the process end', t => {
  for (const [args, expected] of [
    [[], true],
    [[true], true],
    [[false], false],
    [[0], true],
    [[false, 1], true],
  ] as [unknown[], boolean][]) {
    const inotify = new (Inotify as unknown as new (...args: unknown[]) => Inotify)(...args)
    t.equal(inotify.persistent, expected)
    inotify.close()
  }
  const script = `
    import { Inotify } from '${import.meta.resolve('inotify')}'
    const inotify = new Inotify(false)
    inotify.addWatch({ path: '/', callback() {} })
    process.on('exit', () => console.log('ended'))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })
  t.equal(output.toString(), 'ended\n')
  t.end()
})

await t.test('children do not inherit the descriptor', t => {
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  t.ok(inotifyDescriptors() > 0)
  t.notMatch(execFileSync('ls', ['-l', '/proc/self/fd']).toString(), /inotify/)
  t.end()
})
