import { InotifyBatch, constants } from 'inotify'
import { mkdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { folder, inotifyDescriptors, thrown, until } from './support.js'

const { IN_CREATE, IN_DELETE_SELF, IN_IGNORED, IN_ISDIR, IN_MOVE, IN_ONLYDIR } = constants

type Row = [watch: number, mask: number, cookie: number, name?: string, nameBytes?: Buffer]

/** A handler that keeps what it is given, `end` as the word. */
function recorder() {
  const rows: (Row | 'end')[] = []
  const events = () => rows.filter((row): row is Row => row !== 'end')
  const handler = {
    event(...row: [number, number, number, string | undefined, Buffer | undefined]) {
      rows.push(row as Row)
    },
    end() {
      rows.push('end')
    },
  }
  return { rows, events, handler }
}

await t.test('events in order, then end; once for all that is queued', async t => {
  const path = folder(t)
  const { rows, handler } = recorder()
  const batch = new InotifyBatch(handler)
  t.teardown(() => batch.close())
  const watch = batch.add(path, IN_CREATE | IN_MOVE | IN_DELETE_SELF)
  writeFileSync(join(path, 'a'), '')
  renameSync(join(path, 'a'), join(path, 'b'))
  mkdirSync(join(path, 'c'))
  await until(() => rows.includes('end'))
  const cookie = (rows[1] as Row)[2]
  t.ok(cookie > 0)
  t.strictSame(rows, [
    [watch, IN_CREATE, 0, 'a', undefined],
    [watch, constants.IN_MOVED_FROM, cookie, 'a', undefined],
    [watch, constants.IN_MOVED_TO, cookie, 'b', undefined],
    [watch, IN_CREATE | IN_ISDIR, 0, 'c', undefined],
    'end',
  ])
})

await t.test('the watched object itself has no name', async t => {
  const path = join(folder(t), 'd')
  mkdirSync(path)
  const { events, handler } = recorder()
  const batch = new InotifyBatch(handler)
  t.teardown(() => batch.close())
  const watch = batch.add(path, IN_DELETE_SELF | IN_ONLYDIR)
  rmdirSync(path)
  await until(() => events().length === 2)
  t.strictSame(events(), [
    [watch, IN_DELETE_SELF, 0, undefined, undefined],
    [watch, IN_IGNORED, 0, undefined, undefined],
  ])
  t.equal(thrown(() => batch.remove(watch))?.code, 'EINVAL')
})

await t.test('names of every length and of any bytes', async t => {
  const path = Buffer.from(folder(t))
  const { events, handler } = recorder()
  const batch = new InotifyBatch(handler)
  t.teardown(() => batch.close())
  batch.add(path, IN_CREATE)
  const valid = [
    ...Array.from({ length: 255 }, (_, i) => 'n'.repeat(i + 1)),
    'new\nline',
    'tab\there \\ "quoted"',
    'ünïcödé',
    '文件 🗄',
    'a real \ufffd',
    ' ',
  ].map(name => Buffer.from(name))
  const invalid = [[0xff], [0x61, 0xe4, 0x62], [0xc3], [0xed, 0xa0, 0x80], [0xef, 0xbf, 0xbd, 0x80]].map(
    bytes => Buffer.from(bytes),
  )
  const files = [...valid, ...invalid].map(name => Buffer.concat([path, Buffer.from('/'), name]))
  for (const file of files) writeFileSync(file, '')
  for (const file of files) unlinkSync(file)
  await until(() => events().length === files.length)
  const got = events()
  t.strictSame(
    got.slice(0, valid.length).map(row => row.slice(3)),
    valid.map(name => [name.toString(), undefined]),
  )
  t.strictSame(
    got.slice(valid.length).map(row => row.slice(3)),
    invalid.map(name => [name.toString(), name]),
  )
})

await t.test('a directory whose path is not UTF-8 can be watched', async t => {
  const path = Buffer.concat([Buffer.from(folder(t)), Buffer.from('/\xff\n\xfe', 'latin1')])
  mkdirSync(path)
  const { events, handler } = recorder()
  const batch = new InotifyBatch(handler)
  t.teardown(() => batch.close())
  batch.add(path, IN_CREATE | IN_ONLYDIR)
  const file = Buffer.concat([path, Buffer.from('/f')])
  writeFileSync(file, '')
  await until(() => events().length === 1)
  t.equal(events()[0]![3], 'f')
  unlinkSync(file)
  rmdirSync(path)
  t.match(
    thrown(() => batch.add(path, IN_CREATE)),
    { code: 'ENOENT', path: path.toString() },
  )
})

await t.test('close within event: the rest of the batch is not delivered, nor is end', async t => {
  const path = folder(t)
  const before = inotifyDescriptors()
  const seen: string[] = []
  const batch = new InotifyBatch({
    event(_watch, _mask, _cookie, name) {
      seen.push(name!)
      if (name === 'b') batch.close()
    },
    end: () => seen.push('end'),
  })
  batch.add(path, IN_CREATE)
  for (const name of ['a', 'b', 'c']) writeFileSync(join(path, name), '')
  await until(() => batch.closed)
  await new Promise(setImmediate)
  t.strictSame(seen, ['a', 'b'])
  t.equal(inotifyDescriptors(), before)
})

await t.test('add and remove within event and end', async t => {
  const path = folder(t)
  mkdirSync(join(path, 'sub'))
  const seen: string[] = []
  let sub = 0
  const batch = new InotifyBatch({
    event(watch, mask, _cookie, name) {
      seen.push(`${watch === sub ? 'sub' : 'top'} ${name ?? mask.toString(16)}`)
      if (name === 'a') batch.remove(watch)
    },
    end() {
      if (sub !== 0) return
      sub = batch.add(join(path, 'sub'), IN_CREATE)
      writeFileSync(join(path, 'sub', 'x'), '')
    },
  })
  t.teardown(() => batch.close())
  batch.add(path, IN_CREATE)
  for (const name of ['a', 'b']) writeFileSync(join(path, name), '')
  await until(() => seen.includes('sub x'))
  t.strictSame(seen, ['top a', 'top b', 'top 8000', 'sub x'])
})

await t.test('several instances see the same change', async t => {
  const path = folder(t)
  const recorders = Array.from({ length: 20 }, recorder)
  const batches = recorders.map(({ handler }) => new InotifyBatch(handler))
  t.teardown(() => batches.forEach(batch => batch.close()))
  for (const batch of batches) batch.add(path, IN_CREATE)
  writeFileSync(join(path, 'a'), '')
  await until(() => recorders.every(({ events }) => events().length === 1))
  t.ok(recorders.every(({ events }) => events()[0]![3] === 'a'))
})
