import t from 'tap'
import { load, makePlace, refusal, writeConf } from './support.js'

const target = ['bucket', '/data']

await t.test('what is refused: exit code, code and text', t => {
  const place = makePlace(t.testdir())
  for (const [words, code, message] of [
    ['--foo', 'FLAG_UNKNOWN', 'unknown flag --foo; did you mean --force? See tablesnap --help'],
    ['--retires 4', 'FLAG_UNKNOWN', 'unknown flag --retires; did you mean --retries? See tablesnap --help'],
    ['--recurs', 'FLAG_UNKNOWN', 'unknown flag --recurs; did you mean --recursive? See tablesnap --help'],
    [
      '--aws-secret-key=XYZ',
      'FLAG_UNKNOWN',
      'unknown flag --aws-secret-key; did you mean --aws-secret? See tablesnap --help',
    ],
    ['--qqqq', 'FLAG_UNKNOWN', 'unknown flag --qqqq. See tablesnap --help'],
    ['-ZXYZ', 'FLAG_UNKNOWN', 'unknown flag -Z. See tablesnap --help'],
    ['-rZ', 'FLAG_UNKNOWN', 'unknown flag -Z. See tablesnap --help'],
    ['--recursive=yes', 'FLAG_UNKNOWN', '--recursive takes no value. See tablesnap --help'],
    [
      '--no-recursive',
      'FLAG_UNKNOWN',
      'unknown flag --no-recursive; did you mean --recursive? See tablesnap --help',
    ],
    [
      '-k -s XYZ',
      'FLAG_VALUE_MISSING',
      '-k/--aws-key needs a value before -s; write --aws-key=-s if that is the value',
    ],
    ['-B -D', 'SETTINGS_CONFLICT', '-B/--backup and -D/--download cannot be used together'],
    ['-e a -i b', 'SETTINGS_CONFLICT', '-e/--exclude and -i/--include cannot be used together'],
    ['-n a --name-from fqdn', 'SETTINGS_CONFLICT', '-n/--name and --name-from cannot be used together'],
    [
      '-R --storage-class X',
      'SETTINGS_CONFLICT',
      '-R/--reduced-redundancy and --storage-class cannot be used together',
    ],
    [
      '--with-sse --sse-kms-key-id k',
      'SETTINGS_CONFLICT',
      '--with-sse and --sse-kms-key-id cannot be used together',
    ],
    ['--watch', 'SETTINGS_CONFLICT', '--watch works only with -B/--backup'],
    ['-D --watch', 'SETTINGS_CONFLICT', '--watch works only with -B/--backup'],
    ['--all', 'SETTINGS_CONFLICT', '--all works only with -D/--download'],
    ['-B --force', 'SETTINGS_CONFLICT', '--force works only with -D/--download'],
    ['-B --replace', 'SETTINGS_CONFLICT', '--replace works only with -D/--download'],
    ['--partial', 'SETTINGS_CONFLICT', '--partial works only with -D/--download'],
    ['--dry-run', 'SETTINGS_CONFLICT', '--dry-run works only with -B/--backup or -D/--download'],
    [
      '-B --watch --dry-run',
      'SETTINGS_CONFLICT',
      '--dry-run works only with -B/--backup or -D/--download, not with --watch',
    ],
    ['-t 0', 'SETTING_INVALID', '--threads: "0" is not a whole number of threads from 1 to 256'],
    ['-t 2.5', 'SETTING_INVALID', '--threads: "2.5" is not a whole number of threads from 1 to 256'],
    [
      '--settle -1',
      'SETTING_INVALID',
      '--settle: "-1" is not a whole number of milliseconds from 0 to 600000',
    ],
    [
      '--shutdown-timeout 1m',
      'SETTING_INVALID',
      '--shutdown-timeout: "1m" is not a whole number of seconds from 0 to 86400',
    ],
    ['--retries x', 'SETTING_INVALID', '--retries: "x" is not a whole number of attempts from 0 to 1000'],
    [
      '--memory 1',
      'SETTING_INVALID',
      '--memory: "1" is not a number of bytes from 8MiB to 1TiB, such as 64MiB',
    ],
    [
      '--memory 64MiBs',
      'SETTING_INVALID',
      '--memory: "64MiBs" is not a number of bytes from 8MiB to 1TiB, such as 64MiB',
    ],
    [
      '--multipart-chunk-size 4',
      'SETTING_INVALID',
      '--multipart-chunk-size: "4" is not a whole number of MB from 5 to 5120 (S3\'s smallest part is 5 MiB and its largest 5 GiB)',
    ],
    [
      '--max-upload-size 5121',
      'SETTING_INVALID',
      '--max-upload-size: "5121" is not a whole number of MB from 1 to 5120 (S3\'s largest PUT is 5 GiB)',
    ],
    ['--checksum sha1', 'SETTING_INVALID', '--checksum: "sha1" is none of crc64nvme, crc32c, sha256, md5'],
    [
      '--listen-events IN_OPEN',
      'SETTING_INVALID',
      '--listen-events: "IN_OPEN" is none of IN_MOVED_TO, IN_CLOSE_WRITE, IN_CREATE',
    ],
    [
      '-e a[',
      'SETTING_INVALID',
      '--exclude: "a[" is not a regular expression: missing ] for the [ at character 2',
    ],
    ['--aws-region=', 'SETTING_INVALID', '--aws-region: the value is empty'],
    [
      '--aws-region eu/west',
      'SETTING_INVALID',
      '--aws-region: the value contains something else than letters, digits, - and _',
    ],
    [
      '--endpoint-url host:9000',
      'SETTING_INVALID',
      '--endpoint-url: "host:9000" does not begin with http:// or https://',
    ],
    [
      '--endpoint-url http://h/b',
      'SETTING_INVALID',
      '--endpoint-url: "http://h/b" has more than scheme, host and port; the bucket is the first argument',
    ],
    [
      '--endpoint-url u:XYZ@h',
      'SETTING_INVALID',
      '--endpoint-url: the URL does not begin with http:// or https://',
    ],
    [
      '--endpoint-url http://u:XYZ@h',
      'SETTING_INVALID',
      '--endpoint-url: the URL has a user or a password in it; use --aws-key and --aws-secret',
    ],
    ['-n a/b', 'NAME_INVALID', 'the node\'s name "a/b" contains a /; give what stands before it by --prefix'],
    [
      '-n a:b',
      'NAME_INVALID',
      'the node\'s name "a:b" contains the separator ":"; choose another by --keyname-separator',
    ],
  ] as const) {
    const error = refusal(place, [...words.split(' '), ...target])
    t.match(error, { code, exitCode: 2 }, words)
    t.equal(error.message, message)
    t.notMatch(error.message, /XYZ|\n/, 'one line, no secret')
  }
  const error = refusal(place, [...target, '-k'])
  t.equal(error.message, '--aws-key needs a value. See tablesnap --help')
  t.end()
})

await t.test('bucket and paths', t => {
  const place = makePlace(t.testdir())
  for (const [words, code, message] of [
    [['s3://b1/', '/x'], 'BUCKET_INVALID', 'the bucket is given by its name alone: b1 instead of s3://b1/'],
    [
      ['s3://b1/a/b', '/x'],
      'BUCKET_INVALID',
      'the bucket is given by its name alone: b1 instead of s3://b1/, and --prefix a/b for what follows it',
    ],
    [
      ['http://h/b', '/x'],
      'BUCKET_INVALID',
      'the bucket is given by its name alone; a server by --endpoint-url',
    ],
    [['/x', 'b1'], 'BUCKET_INVALID', 'the first argument is a path; the bucket comes before the paths'],
    [['a/b', '/x'], 'BUCKET_INVALID', "the bucket's name (the first argument) contains a /"],
    [
      ['a b', '/x'],
      'BUCKET_INVALID',
      "the bucket's name (the first argument) contains blanks or control characters",
    ],
    [['', '/x'], 'BUCKET_INVALID', "the bucket's name is empty"],
    [['..', '/x'], 'BUCKET_INVALID', "the bucket's name cannot be . or .."],
    [['b1', ''], 'PATH_INVALID', 'a path is empty'],
  ] as const) {
    const error = refusal(place, words)
    t.match(error, { code, exitCode: 2 })
    t.equal(error.message, message)
  }
  for (const bucket of ['Old_Bucket', 'ab', '192.168.0.1', 'a..b', 'x'.repeat(64)]) {
    t.match(load(place, [bucket, '/x']).warnings, [/breaks Amazon's rules/], bucket)
  }
  for (const bucket of ['abc', 'my.bucket-1', 'x'.repeat(63)]) {
    t.strictSame(load(place, [bucket, '/x']).warnings, [], bucket)
  }
  for (const words of ['', 'bucket', '-B bucket']) {
    t.match(refusal(place, words), {
      exitCode: 255,
      code: 'ARGUMENTS_MISSING',
      name: 'ArgumentsMissingError',
    })
  }
  t.end()
})

await t.test('conflicts within the file name its lines', t => {
  const place = makePlace(t.testdir())
  const path = writeConf(place, 'backup = yes\ndownload = yes')
  t.equal(refusal(place, target).message, `${path}:2: backup and ${path}:3: download cannot be used together`)
  writeConf(place, 'backup = yes\ndownload = no')
  t.equal(load(place, target).config.mode, 'backup')
  writeConf(place, 'all = yes\nforce = yes')
  t.equal(load(place, target).config.mode, 'watch', 'the file serves all modes')
  writeConf(place, 'dry_run = yes')
  t.equal(
    refusal(place, target).message,
    `${path}:2: dry_run works only with -B/--backup or -D/--download`,
    'but nobody who asked for a dry run gets a real one',
  )
  t.end()
})

await t.test('-R and the storage class that it means agree', t => {
  const { config } = load(makePlace(t.testdir()), ['-R', '--storage-class', 'REDUCED_REDUNDANCY', ...target])
  t.equal(config.object.storageClass, 'REDUCED_REDUNDANCY')
  t.end()
})

await t.test('flags of uploads beside -D earn a warning, those of the original do not', t => {
  const place = makePlace(t.testdir())
  t.strictSame(load(place, ['-D', '-r', '-a', ...target]).warnings, [])
  t.strictSame(load(place, ['-D', '--with-sse', '--delete-on-backup', ...target]).warnings, [
    'no effect with -D/--download: --with-sse, --delete-on-backup',
  ])
  t.end()
})
