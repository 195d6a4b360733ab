import { Inotify, InotifyBatch, constants } from 'inotify'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { folder, sysctl, thrown } from './support.js'

const packageFile = createRequire(import.meta.url).resolve('inotify/package.json')

/**
 * What an ES module prints, parsed, with a limit of inotify lowered for a user namespace of its own; undefined where none
 * can be made.
 */
function runLimited(script: string, name: string, value: number): unknown {
  const shell = `echo ${value} > /proc/sys/user/${name} || exit 77; exec "$@"`
  const args = [
    '--user',
    '--map-root-user',
    'sh',
    '-c',
    shell,
    'sh',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]
  const result = spawnSync('unshare', args, { encoding: 'utf8', timeout: 20_000 })
  if (result.error !== undefined || result.status === 77 || result.stderr.startsWith('unshare:'))
    return undefined
  if (result.status !== 0) throw new Error(result.stderr)
  return JSON.parse(result.stdout)
}

const REPORT = `
  import { Inotify, InotifyBatch } from '${import.meta.resolve('inotify')}'
  import { mkdtempSync, openSync, rmSync, mkdirSync } from 'node:fs'
  const report = action => {
    try { action(); console.log('null') }
    catch (error) { console.log(JSON.stringify({ ...error, message: error.message })) }
  }
`

await t.test('a failed addWatch says what node:fs would say', t => {
  const path = folder(t)
  const inotify = new Inotify()
  const batch = new InotifyBatch({ event: () => undefined })
  t.teardown(() => {
    inotify.close()
    batch.close()
  })
  const file = join(path, 'file')
  writeFileSync(file, '')
  symlinkSync('loop', join(path, 'loop'))
  const { IN_CREATE, IN_ONLYDIR, IN_MASK_ADD, IN_MASK_CREATE } = constants
  for (const [code, at, watch_for] of [
    ['ENOENT', join(path, 'missing'), IN_CREATE],
    ['ENOENT', '', IN_CREATE],
    ['ENOTDIR', file, IN_CREATE | IN_ONLYDIR],
    ['ENOTDIR', join(file, 'below'), IN_CREATE],
    ['ELOOP', join(path, 'loop'), IN_CREATE],
    ['ENAMETOOLONG', join(path, 'x'.repeat(256)), IN_CREATE],
    ['ENAMETOOLONG', 'x/'.repeat(5000), IN_CREATE],
    ['EINVAL', path, IN_CREATE | IN_MASK_ADD | IN_MASK_CREATE],
  ] as const) {
    for (const add of [
      () => inotify.addWatch({ path: at, watch_for, callback: () => undefined }),
      () => batch.add(at, watch_for),
      () => batch.add(Buffer.from(at), watch_for),
    ]) {
      const error = thrown(add)
      t.match(error, { code, syscall: 'inotify_add_watch', path: at })
      t.ok(error instanceof Error && error.errno! < 0)
      t.ok(error?.message.startsWith(`${code}: `) && error.message.endsWith(`inotify_add_watch '${at}'`))
    }
  }
  t.equal(
    thrown(() => inotify.addWatch({ path: file, callback: () => undefined })),
    undefined,
  )
  t.end()
})

await t.test('EACCES', t => {
  const path = folder(t)
  const inotify = new Inotify()
  t.teardown(() => inotify.close())
  const root = process.geteuid?.() === 0
  chmodSync(path, 0)
  // root may read everything
  if (root) process.seteuid!(65534)
  const error = thrown(() => inotify.addWatch({ path, callback: () => undefined }))
  if (root) process.seteuid!(0)
  chmodSync(path, 0o700)
  t.match(error, { code: 'EACCES', path })
  t.end()
})

await t.test('arguments of InotifyBatch', t => {
  for (const handler of [undefined, null, {}, { event: 1 }]) {
    t.throws(() => new InotifyBatch(handler as never), new TypeError('handler must have a function event'))
  }
  const batch = new InotifyBatch({ event: () => undefined })
  t.throws(() => batch.add(1 as never, 1), new TypeError('path must be a string or a Buffer'))
  t.throws(() => batch.add(Buffer.from('a\0b'), 1), new TypeError('path must not contain a NUL'))
  t.throws(() => batch.add('/', '1' as never), new TypeError('mask must be an integer'))
  t.throws(() => batch.remove('1' as never), new TypeError('watch must be an integer'))
  t.equal(thrown(() => batch.remove(99))?.code, 'EINVAL')
  t.equal(batch.closed, false)
  batch.close()
  batch.close()
  batch.ref()
  batch.unref()
  t.equal(batch.closed, true)
  t.equal(batch.descriptor, -1)
  t.equal(thrown(() => batch.add('/', 1))?.code, 'EBADF')
  t.end()
})

await t.test('no watch left: the message names the limit, its value and the way out', t => {
  const error = runLimited(
    `${REPORT}
    const path = mkdtempSync('/tmp/tablesnap-native-')
    process.on('exit', () => rmSync(path, { recursive: true }))
    const inotify = new Inotify()
    report(() => {
      for (let i = 0; i < 4; i++) {
        mkdirSync(path + '/' + i)
        inotify.addWatch({ path: path + '/' + i, callback() {} })
      }
    })
    inotify.close()`,
    'max_inotify_watches',
    3,
  )
  if (error === undefined) {
    t.pass('needs a user namespace', { skip: true })
    t.end()
    return
  }
  t.match(error, { code: 'ENOSPC', errno: -28, syscall: 'inotify_add_watch', path: /\/3$/ })
  const limit = sysctl('fs.inotify.max_user_watches')
  t.match(error, {
    message: `user.max_inotify_watches of this user namespace is 3 (fs.inotify.max_user_watches is ${limit}); raise it`,
  })
  t.end()
})

await t.test('no instance left', t => {
  const error = runLimited(
    `${REPORT} report(() => { for (;;) new Inotify(false) })`,
    'max_inotify_instances',
    5,
  )
  if (error === undefined) {
    t.pass('needs a user namespace', { skip: true })
    t.end()
    return
  }
  const limit = sysctl('fs.inotify.max_user_instances')
  t.match(error, { code: 'EMFILE', errno: -24, syscall: 'inotify_init1' })
  t.match(error, { message: `fs.inotify.max_user_instances is ${limit}` })
  t.end()
})

await t.test('no descriptor left, which is EMFILE as well', t => {
  const script = `${REPORT}
    report(() => {
      try { for (;;) openSync('/dev/null') } catch (error) { if (error.code !== 'EMFILE') throw error }
      new Inotify(false)
    })`
  const shell = spawnSync('sh', [
    '-c',
    'ulimit -n 64; exec "$@"',
    'sh',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ])
  t.match(JSON.parse(shell.stdout.toString()), {
    code: 'EMFILE',
    message: /no file descriptor left; .*ulimit -n/,
  })
  t.end()
})

await t.test('the limit itself, without a namespace', async t => {
  const file = join(dirname(packageFile), 'lib/limits.js')
  const { watchAdvice, initAdvice } = (await import(pathToFileURL(file).href)) as Record<string, () => string>
  const watches = sysctl('fs.inotify.max_user_watches')
  t.match(watchAdvice!(), `fs.inotify.max_user_watches is ${watches}`)
  t.match(watchAdvice!(), /raise it.*: sysctl -w \S+=\d+/)
  t.match(initAdvice!(), `fs.inotify.max_user_instances is ${sysctl('fs.inotify.max_user_instances')}`)
})

await t.test('without the compiled file the message says how to mend it', async t => {
  for (const name of ['inotify', 'tablesnap-io']) {
    const source = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    const path = join(folder(t), 'node_modules')
    const copy = join(path, name)
    for (const file of ['index.js', 'package.json', 'lib'])
      cpSync(join(source, file), join(copy, file), { recursive: true })
    const gyp = dirname(createRequire(join(source, 'index.js')).resolve('node-gyp-build'))
    cpSync(gyp, join(path, 'node-gyp-build'), { recursive: true })
    const error = await import(pathToFileURL(join(copy, 'index.js')).href).then(
      () => undefined,
      (error: unknown) => error as Error,
    )
    t.match(error?.message, `${name}: there is no compiled file for linux-`)
    t.match(error?.message, `to build it run: node ${join(copy, 'build.js')}`)
    t.notMatch(error?.message, '\n')
  }
})
