import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { load, makePlace, refusal, writeConf } from './support.js'

const target = 'bucket /data'

await t.test('command line before environment before file before default', t => {
  for (const flag of [undefined, 'cli'])
    for (const variable of [undefined, '', 'env'])
      for (const line of [undefined, '', '""', 'file']) {
        const place = makePlace(t.testdir())
        writeConf(place, line === undefined ? '' : `aws_region = ${line}`)
        if (variable !== undefined) place.env['AWS_REGION'] = variable
        const { config } = load(place, flag === undefined ? target : `--aws-region ${flag} ${target}`)
        const given = [flag, variable, line].find(text => text !== undefined && text !== '' && text !== '""')
        t.equal(config.s3.region, given ?? 'us-east-1', `${String(flag)} ${String(variable)} ${String(line)}`)
      }
  t.end()
})

await t.test('every setting has its own precedence', t => {
  const place = makePlace(t.testdir())
  writeConf(place, 'threads = 7\nretries = 3\nrecursive = yes\nargs = filebucket /file')
  const { config } = load(place, '--threads 4 -a')
  t.match(config, { engine: { threads: 4, retries: 3 }, recursive: true, autoAdd: true })
  t.match(config, { s3: { bucket: 'filebucket' }, paths: ['/file'] })
  t.end()
})

await t.test('positionals of the command line replace args as a whole', t => {
  const place = makePlace(t.testdir())
  writeConf(place, 'args = filebucket /file /other')
  t.match(load(place, target).config, { s3: { bucket: 'bucket' }, paths: ['/data'] })
  const missing = refusal(place, 'bucket')
  t.equal(missing.exitCode, 255)
  t.equal(missing.code, 'ARGUMENTS_MISSING')
  t.end()
})

await t.test('environment variables in their order', t => {
  const place = makePlace(t.testdir())
  Object.assign(place.env, {
    AWS_DEFAULT_REGION: 'second',
    AWS_ENDPOINT_URL: 'http://general:1',
  })
  t.match(load(place, target).config.s3, { region: 'second', endpoint: 'http://general:1' })
  Object.assign(place.env, { AWS_REGION: 'first', AWS_ENDPOINT_URL_S3: 'https://S3.only:9000/' })
  t.match(load(place, target).config.s3, { region: 'first', endpoint: 'https://s3.only:9000' })
  t.end()
})

await t.test('the mode of the command line wins over the mode of the file', t => {
  const place = makePlace(t.testdir())
  writeConf(place, 'backup = true\nwatch = true\nexclude = a\nwith_sse = 1\nname = n\nstorage_class = X')
  t.equal(load(place, target).config.mode, 'backup-watch')
  t.equal(load(place, `-D ${target}`).config.mode, 'download')
  t.strictSame(load(place, `-i b ${target}`).config.filter.exclude, [])
  t.match(load(place, `--sse-kms-key-id k ${target}`).config.object, { sse: 'aws:kms', kmsKeyId: 'k' })
  t.match(load(place, `--name-from fqdn ${target}`).config, { name: undefined, nameFrom: 'fqdn' })
  t.equal(load(place, `-R ${target}`).config.object.storageClass, 'REDUCED_REDUNDANCY')
  t.end()
})

await t.test('modes', t => {
  const place = makePlace(t.testdir())
  t.equal(load(place, target).config.mode, 'watch')
  t.equal(load(place, `-B ${target}`).config.mode, 'backup')
  t.equal(load(place, `-B --watch ${target}`).config.mode, 'backup-watch')
  t.equal(load(place, `-D --all ${target}`).config.mode, 'download')
  t.equal(load(place, `${target} -D --all`).config.all, true, 'flags may follow the paths')
  t.end()
})

await t.test('the last of a repeated flag counts; lists collect and replace the default', t => {
  const place = makePlace(t.testdir())
  t.equal(load(place, `-t 2 -t 4 ${target}`).config.engine.threads, 4)
  const { config } = load(place, `-e a -e b --listen-events IN_CREATE --listen-events IN_CREATE ${target}`)
  t.strictSame(
    config.filter.exclude.map(one => one.source),
    ['a', 'b'],
  )
  t.strictSame(config.listenEvents, ['IN_CREATE'])
  t.end()
})

await t.test('the places of the conf file, in their order', t => {
  const place = makePlace(t.testdir())
  delete place.env['TABLESNAP_CONF']
  const threads = (): number => load(place, target).config.engine.threads
  writeFileSync(join(place.home, '.tablesnap.conf'), '[tablesnap]\nthreads = 30\n')
  t.equal(threads(), 30)
  const inCwd = join(place.cwd, 'tablesnap.conf')
  mkdirSync(inCwd)
  t.equal(threads(), 30, 'a directory is passed over')
  writeFileSync(join(place.cwd, 'other.conf'), '[tablesnap]\nthreads = 40\n')
  place.env['TABLESNAP_CONF'] = 'other.conf'
  t.equal(threads(), 40, 'relative to the working directory')
  t.equal(load(place, target).source, join(place.cwd, 'other.conf'))
  place.env['TABLESNAP_CONF'] = ''
  t.equal(threads(), 30, 'an empty variable is none')
  place.env['TABLESNAP_CONF'] = '/dev/null'
  t.equal(threads(), 2, 'what it names need not be a regular file')
  place.env['TABLESNAP_CONF'] = join(place.cwd, 'missing.conf')
  t.match(refusal(place, target), {
    code: 'CONF_MISSING',
    exitCode: 2,
    message: `TABLESNAP_CONF names ${place.cwd}/missing.conf: there is no such file`,
  })
  place.env['TABLESNAP_CONF'] = inCwd
  t.match(refusal(place, target), { code: 'CONF_UNREADABLE', exitCode: 2 })
  t.end()
})

await t.test('the result is frozen through and through', t => {
  const { config } = load(makePlace(t.testdir()), `-e a ${target}`)
  for (const value of [
    config,
    config.paths,
    config.filter,
    config.filter.exclude,
    config.s3,
    config.listenEvents,
  ]) {
    t.ok(Object.isFrozen(value))
  }
  t.ok(config.filter.exclude[0]?.test('xax'), 'a frozen expression works')
  t.ok(config.filter.exclude[0]?.test('xax'), 'again')
  t.end()
})

await t.test('paths become absolute and lose the trailing slash', t => {
  const place = makePlace(t.testdir())
  const { config } = load(place, 'bucket rel/ / /a//b/../c/ /a')
  t.strictSame(config.paths, [join(place.cwd, 'rel'), '/', '/a/c', '/a'])
  t.end()
})

await t.test('-D uses the first path only', t => {
  const { config, warnings } = load(makePlace(t.testdir()), '-D bucket /a /b /c')
  t.strictSame(config.paths, ['/a'])
  t.match(warnings, ['-D restores into the first path only; ignored: /b, /c'])
  t.end()
})

await t.test('values in their units', t => {
  const place = makePlace(t.testdir())
  const { config } = load(
    place,
    `--memory 1G --max-rate 20MiB --max-upload-size 100 --multipart-chunk-size 5 --settle 0 --shutdown-timeout 2 --retry-time 7 --request-timeout 9 --no-path-style ${target}`,
  )
  t.match(config.engine, {
    memory: 2 ** 30,
    maxRate: 20 * 2 ** 20,
    maxUploadSize: 100 * 2 ** 20,
    chunkSize: 5 * 2 ** 20,
    retryTime: 7000,
  })
  t.match(config, { settle: 0, shutdownTimeout: 2000, s3: { pathStyle: false, requestTimeout: 9000 } })
  for (const [text, bytes] of [
    ['64MiB', 2 ** 26],
    ['64m', 2 ** 26],
    ['64MB', 2 ** 26],
    ['67108864', 2 ** 26],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['9000KiB', 9000 * 1024],
  ] as const) {
    t.equal(load(place, `--memory ${text} ${target}`).config.engine.memory, bytes, text)
  }
  t.equal(load(place, ['-p', '', 'bucket', '/data']).config.prefix, '', 'an empty prefix is one')
  t.end()
})
