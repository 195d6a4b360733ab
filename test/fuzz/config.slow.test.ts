import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import fc from 'fast-check'
import t from 'tap'

import { start } from '../../src/cli/options.js'
import { startSlurp } from '../../src/cli/slurp-options.js'
import { splitArguments } from '../../src/config/arguments.js'
import { readConf } from '../../src/config/conf.js'
import { SETTINGS } from '../../src/config/settings.js'
import { proxyFor } from '../../src/s3/proxy.js'

import { fuzz } from './fuzz.js'
import { mutated } from './mutate.js'

const example = readFileSync(
  fileURLToPath(new URL('../../../tablesnap.conf.example', import.meta.url)),
  'utf8',
)
const KEYS = SETTINGS.map(({ key }) => key)

/** The example's settings without its comments: shorter, and each of them counts. */
const settings = example.replace(/^#(?=\w+ *=)/gm, '').replace(/^[#;].*\n/gm, '')

await t.test('tablesnap.conf', async t => {
  const folder = t.testdir({})
  const path = join(folder, 'tablesnap.conf')
  const places = { env: { TABLESNAP_CONF: path }, cwd: folder, home: undefined }
  const line = fc.tuple(
    fc.constantFrom(...KEYS, 'args', 'x'),
    fc.constantFrom('=', ': ', ' = '),
    fc.constantFrom('1', 'true', 'a b', '""', "'x", '20M', '2h', '*', 'http://x:1', 'ks.t', '/a=/b'),
  )
  const own = fc
    .array(line, { maxLength: 8 })
    .map(lines => `[tablesnap]\n${lines.map(parts => parts.join('')).join('\n')}\nargs = b /d\n`)
  const texts = mutated(
    fc.oneof(fc.constantFrom(example, settings, '\ufeff[tablesnap]\r\nrecursive = true\r\n'), own),
    ['[tablesnap]', '[DEFAULT]', '[', ']', 'args = ', ' ;', '\n ', '\n', ...KEYS],
  )
  await fuzz(t, 'readConf', texts, text => {
    writeFileSync(path, text)
    readConf(path)
    start(['-n', 'n', 'bucket', '/data'], places)
  })
})

await t.test('words of args', async t => {
  const words = fc.constantFrom(
    'bucket /var/lib/cassandra/data',
    `'a b' "c \\" d" e\\ f`,
    'b $HOME/x',
    'b `x` *',
    'a; b # c',
    "it's",
  )
  await fuzz(t, 'splitArguments', mutated(words, ['${', '$(', '<<', '>&', '||', '#', '\\']), text =>
    splitArguments(text, 'args'),
  )
})

await t.test('command lines', async t => {
  const value = fc.oneof(
    fc.constantFrom(
      'bucket',
      '/data',
      '1',
      '2h',
      'x',
      '',
      '-',
      '--',
      '=',
      'ks.t',
      '/a=/b',
      'http://h:1',
      's3://b/p',
      '20M',
      'fqdn',
      '[',
      '(?P<x>a)',
      '../..',
      '\0',
      'é',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )
  const flag = fc.oneof(
    fc.constantFrom(...KEYS).map(key => `--${key.replaceAll('_', '-')}`),
    fc.constantFrom(
      '-r',
      '-a',
      '-B',
      '-D',
      '-e',
      '-i',
      '-rae',
      '-k',
      '-s',
      '-n',
      '-kx',
      '-p',
      '-t',
      '-f',
      '-o',
      '-g',
      '--no-progress',
      '--help',
      '--file',
      '--commitlogs',
      '-re',
    ),
    fc.constantFrom(...KEYS).chain(key => value.map(text => `--${key.replaceAll('_', '-')}=${text}`)),
  )
  const lines = fc.array(fc.oneof(flag, value), { maxLength: 12 })
  const places = { env: { TABLESNAP_CONF: '/dev/null' }, cwd: '/', home: undefined }
  await fuzz(t, 'tablesnap', lines, argv => start(argv, places))
  await fuzz(t, 'tableslurp', lines, argv => startSlurp(argv, places))
})

await t.test('proxies', async t => {
  const proxy = mutated(
    fc.constantFrom('http://user:p%40ss@proxy.example.com:3128', 'proxy:3128', '[::1]:80'),
    ['@', '%ff', '://', ':'],
  )
  const no = mutated(fc.constantFrom('localhost,.example.com:443,*', '*.x, y'), [',', '*', '.'])
  await fuzz(t, 'proxyFor', fc.tuple(proxy, no), ([http, list]) =>
    proxyFor('http://s3.example.com:9000', { http, https: undefined, no: list }),
  )
})
