import { chmodSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { parseConf } from '../../src/config/grammar.js'
import { load, makePlace, refusal, writeConf } from './support.js'

const target = 'bucket /data'

await t.test('the grammar of RawConfigParser', t => {
  const text = [
    '# comment',
    '; comment',
    'REM comment',
    '[tablesnap] trailing text',
    'AWS_Key = v',
    'aws_secret: a=b:c',
    'args = bucket',
    '',
    '  /data ; no comment in a continuation line',
    '  # a comment of its own',
    'prefix = a;b ;kept, as only the first semicolon counts',
    'name = n ; comment\r',
    'exclude = ; all comment',
    'keyname_separator = ;',
    'include = #kept',
    'storage_class = ""',
    '[a.b]',
    'x[] = 1',
    '[tablesnap]',
    'threads=3',
  ].join('\n')
  const sections = parseConf(text)
  t.strictSame(
    sections.map(({ name, line }) => [name, line]),
    [
      ['tablesnap', 4],
      ['a.b', 17],
    ],
  )
  t.strictSame(
    sections[0]?.entries.map(({ key, line, lines }) => [key, line, ...lines]),
    [
      ['aws_key', 5, 'v'],
      ['aws_secret', 6, 'a=b:c'],
      ['args', 7, 'bucket', '/data ; no comment in a continuation line'],
      ['prefix', 11, 'a;b ;kept, as only the first semicolon counts'],
      ['name', 12, 'n'],
      ['exclude', 13],
      ['keyname_separator', 14, ';'],
      ['include', 15, '#kept'],
      ['storage_class', 16, '""'],
      ['threads', 20, '3'],
    ],
  )
  t.end()
})

await t.test('lines that mean nothing are errors with file and line', t => {
  const place = makePlace(t.testdir())
  for (const [text, line, reason] of [
    ['[tablesnap]\nrecursive\n', 2, 'neither [section] nor key = value'],
    ['[tablesnap]\n\n= v\n', 3, 'neither [section] nor key = value'],
    ['[tablesnap]\n  indented = 1\n', 2, 'an indented line without a key above it'],
    ['[]\n', 1, 'a line before the first [section] header'],
  ] as const) {
    const path = writeConf(place, text)
    t.match(refusal(place, target), {
      code: 'CONF_SYNTAX',
      exitCode: 2,
      message: `${path}:${line}: ${reason}`,
    })
  }
  t.end()
})

await t.test('unknown keys', t => {
  const place = makePlace(t.testdir())
  for (const [line, message] of [
    ['recursiv = 1', 'unknown key "recursiv"; did you mean recursive?'],
    ['aws-key = 1', 'unknown key "aws-key"; did you mean aws_key?'],
    ['token = 1', 'unknown key "token"; did you mean aws_token?'],
    ['arg = b /x', 'unknown key "arg"; did you mean args?'],
    ['colour = red', 'unknown key "colour"; remove the line'],
    ['wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY=', 'unknown key; remove the line'],
  ] as const) {
    const path = writeConf(place, `threads = 1\n${line}`)
    t.match(refusal(place, target), {
      code: 'CONF_KEY_UNKNOWN',
      exitCode: 2,
      message: `${path}:3: ${message}`,
    })
  }
  t.end()
})

await t.test('booleans are real', t => {
  const place = makePlace(t.testdir())
  for (const text of ['true', 'True', 'YES', 'on', '1']) {
    writeConf(place, `recursive = ${text}`)
    t.equal(load(place, target).config.recursive, true, text)
  }
  for (const text of ['false', 'False', 'no', 'OFF', '0', '', '""']) {
    writeConf(place, `recursive = ${text}`)
    t.equal(load(place, target).config.recursive, false, text)
  }
  const path = writeConf(place, 'recursive = maybe')
  t.equal(
    refusal(place, target).message,
    `${path}:2: recursive: "maybe" is neither true, yes, on or 1 nor false, no, off or 0`,
  )
  for (const [text, expected] of [
    ['', undefined],
    ['yes', true],
    ['no', false],
  ] as const) {
    writeConf(place, `path_style = ${text}`)
    t.equal(load(place, target).config.s3.pathStyle, expected, `path_style = ${text}`)
  }
  t.end()
})

await t.test('a wrong value is an error even where the command line overrides it', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(place, 'threads = many')
  t.equal(
    refusal(place, `-t 1 ${target}`).message,
    `${path}:2: threads: "many" is not a whole number of threads from 1 to 256`,
  )
  writeConf(place, 'threads = 1\n  2')
  t.equal(
    refusal(place, target).message,
    `${path}:2: threads: the value continues in the next, indented line`,
  )
  t.end()
})

await t.test('lists: one a line', t => {
  const place = makePlace(t.testdir())
  writeConf(place, 'exclude = ""\n  a b\n  # not this\n  c;d\nlisten_events = IN_CREATE\n  IN_MOVED_TO')
  const { config } = load(place, target)
  t.strictSame(
    config.filter.exclude.map(one => one.source),
    ['a b', 'c;d'],
  )
  t.strictSame(config.listenEvents, ['IN_CREATE', 'IN_MOVED_TO'])
  t.end()
})

await t.test("the original's file, all keys blank, breaks no command line", t => {
  const place = makePlace(t.testdir())
  writeConf(place, 'aws_key =\naws_secret =\nrecursive =\nauto_add =\nargs =')
  const { config, warnings } = load(place, `-r ${target}`)
  t.match(config, { recursive: true, autoAdd: false, credentials: undefined, paths: ['/data'] })
  t.strictSame(warnings, [])
  t.end()
})

await t.test("the original's file, filled in", t => {
  const place = makePlace(t.testdir())
  writeConf(
    place,
    'aws_key = K\naws_secret = S\nrecursive = True\nauto_add = True\nargs = bucket \'/a b\' /c\\ d "/e"',
  )
  t.match(load(place, '').config, {
    credentials: { accessKeyId: 'K', secretAccessKey: 'S' },
    recursive: true,
    autoAdd: true,
    s3: { bucket: 'bucket' },
    paths: ['/a b', '/c d', '/e'],
  })
  t.end()
})

await t.test('args: what only a shell could carry out is refused', t => {
  const place = makePlace(t.testdir())
  const advice = '; put single quotes around it if it belongs to a name'
  for (const [args, reason] of [
    ['bucket /data/*', `* and ? are not expanded here${advice}`],
    ['bucket /a;rm', `; has no meaning here${advice}`],
    ['bucket /a & x', `& has no meaning here${advice}`],
    ['bucket $HOME', `$ and \` are not substituted here${advice}`],
    ['bucket "${HOME}"', `$ and \` are not substituted here${advice}`],
    ["bucket $'a'", `$ and \` are not substituted here${advice}`],
    ['bucket `id`', `$ and \` are not substituted here${advice}`],
    ['bucket /a #b', `# begins no comment here${advice}`],
    ["bucket '/a", 'a quote is not closed, or nothing follows a backslash'],
    ['bucket /a"', 'a quote is not closed, or nothing follows a backslash'],
    ['bucket /a\\', 'a quote is not closed, or nothing follows a backslash'],
  ] as const) {
    const path = writeConf(place, `args = ${args}`)
    t.match(refusal(place, ''), { code: 'ARGS_INVALID', exitCode: 2, message: `${path}:2: args: ${reason}` })
  }
  writeConf(place, "args = bucket '/a$b*;#' \"/it's\" /c\\$d\n   /e")
  t.strictSame(load(place, '').config.paths, ['/a$b*;#', "/it's", '/c$d', '/e'])
  t.end()
})

await t.test('sections', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(
    place,
    '[DEFAULT]\nthreads = 3\nretries = 1\nhome = /x\n[tablesnap]\nretries = 2\n[other]\nx = 1\n',
  )
  const { config, warnings } = load(place, target)
  t.match(config.engine, { threads: 3, retries: 2 })
  t.strictSame(warnings, [`${path}:7: section [other] is not read; settings belong below [tablesnap]`])
  writeConf(place, 'threads = 3\nthreads = 4')
  const repeated = load(place, target)
  t.equal(repeated.config.engine.threads, 4)
  t.strictSame(repeated.warnings, [`${path}:3: set in line 2 already; this line counts`])
  t.end()
})

await t.test('quotes belong to the value, and "" is the empty one', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(place, 'prefix = "x"\nkeyname_separator = ""\naws_region = ""')
  const { config, warnings } = load(place, target)
  t.match(config, { prefix: '"x"', separator: '', s3: { region: 'us-east-1' } })
  t.strictSame(warnings, [`${path}:2: prefix: the quotes around the value are part of it`])
  t.end()
})

await t.test('a secret that others can read earns a warning', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(place, 'aws_key = K\naws_secret = hidden')
  t.strictSame(load(place, target).warnings, [])
  for (const mode of [0o640, 0o604]) {
    chmodSync(path, mode)
    t.strictSame(load(place, target).warnings, [
      `${path}:3: aws_secret is a secret that others can read (mode ${mode.toString(8)}); chmod 600 ${path}`,
    ])
  }
  writeConf(place, 'aws_key =\naws_secret =')
  chmodSync(path, 0o644)
  t.strictSame(load(place, target).warnings, [], 'no secret, no warning')
  t.end()
})

await t.test('a file that is not text', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(place, '')
  writeFileSync(path, Buffer.from([0x5b, 0xff, 0x5d]))
  t.match(refusal(place, target), {
    code: 'CONF_UNREADABLE',
    exitCode: 2,
    message: `${path}: is not UTF-8 text`,
  })
  t.end()
})

await t.test('a file that is too large for a conf file', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(place, '#'.repeat(65_536))
  t.match(refusal(place, target), {
    code: 'CONF_UNREADABLE',
    exitCode: 2,
    message: /^\S+: has \d+ bytes, and no tablesnap.conf has more than 65536$/,
  })
  writeFileSync(path, '#'.repeat(65_536))
  t.strictSame(load(place, target).warnings, [], 'one that just fits')
  t.end()
})

await t.test('a file that was saved on Windows', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(place, '')
  writeFileSync(path, '\uFEFF[tablesnap]\r\nname = node1\r\naws_region = eu-west-1\r\n')
  const { config, warnings } = load(place, target)
  t.equal(config.name, 'node1')
  t.equal(config.s3.region, 'eu-west-1')
  t.strictSame(warnings, [])
  t.end()
})

await t.test('a file that cannot be read', t => {
  const place = makePlace(t.testdir())
  // Not even root can read there.
  place.env['TABLESNAP_CONF'] = '/proc/self/mem'
  const { code, exitCode, message } = refusal(place, target)
  t.match({ code, exitCode }, { code: 'CONF_UNREADABLE', exitCode: 2 })
  t.match(message, /^\/proc\/self\/mem: cannot be read: EIO/)
  t.end()
})
