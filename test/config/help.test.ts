import t from 'tap'
import { helpText, parseCommandLine, start } from '../../src/cli/options.js'
import { GROUPS, longFlag } from '../../src/config/setting.js'
import { SETTINGS } from '../../src/config/settings.js'
import { makePlace, writeConf } from './support.js'

await t.test('--help names every flag, fits the width and ends with examples and exit codes', t => {
  const text = helpText()
  for (const setting of SETTINGS) {
    t.match(
      text,
      new RegExp(
        `^ +${setting.short === undefined ? '' : `${setting.short}, `}${longFlag(setting)}(?= )`,
        'm',
      ),
    )
  }
  for (const group of GROUPS) t.ok(text.includes(`\n${group}:\n`), group)
  for (const line of text.split('\n')) t.ok(line.length <= 100, line)
  t.match(text, /^Usage: tablesnap \[options\] <bucket> <path>\.\.\.\n/)
  t.match(text, /--threads <n> +worker threads \(default: 2\)/)
  t.match(text, /\nExamples:\n[^]*\nExit codes:\n[^]*\n {2}255 +bucket or path missing\n$/)
  t.end()
})

await t.test('--help and --version print a text, whatever else is wrong', t => {
  const place = makePlace(t.testdir())
  writeConf(place, 'nonsense')
  for (const words of [['-h'], ['--help'], ['-rh'], ['--foo', '-h'], ['bucket', '-h']]) {
    t.strictSame(start(words, place), { action: 'print', text: helpText() }, words.join(' '))
  }
  for (const words of [['-V'], ['--version']]) {
    const asked = parseCommandLine(words)
    t.match(asked.action === 'print' && asked.text, /^\d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+\)\n$/)
  }
  t.end()
})

await t.test('the flags, neither more nor fewer', t => {
  const flags =
    '--help -h --version -V --aws-key -k --aws-secret -s --aws-token --aws-region --endpoint-url --path-style ' +
    '--no-path-style --recursive -r --auto-add -a --wait-for-paths --backup -B --watch --download -D --all --name -n --name-from ' +
    '--prefix -p --keyname-separator --threads -t --exclude -e --include -i --listen-events --without-index ' +
    '--delete-on-backup --md5-on-start --max-upload-size --multipart-chunk-size --ca-bundle --retries --retry-time --request-timeout --checksum --memory ' +
    '--max-rate --take-over ' +
    '--reduced-redundancy -R --storage-class --with-sse --sse-kms-key-id --partial --replace --force --dry-run ' +
    '--at --settle --shutdown-timeout --include-snapshots --include-backups --log-format --log-level --quiet -q --verbose -v --progress --no-progress ' +
    '--list --limit --since --list-nodes --keyspace --table --map-path --map-table ' +
    '--status --check-config --json --max-age --metrics-listen'
  const shown = helpText()
    .match(/^ {2}(?: {4}|-\w, )--[\w-]+/gm)
    ?.flatMap(line => line.trim().split(', '))
  t.strictSame(shown?.sort(), flags.split(' ').sort())
  t.end()
})

await t.test('flags as users write them', t => {
  const parsed = parseCommandLine(['-raB', '-kK', '--aws-secret=-s', '-e', '-tmp', 'b', '/x', '--', '-y'])
  t.equal(parsed.action, 'run')
  if (parsed.action !== 'run') return t.end()
  t.strictSame(Object.fromEntries(parsed.flags), {
    backup: ['true'],
    recursive: ['true'],
    auto_add: ['true'],
    exclude: ['-tmp'],
    aws_key: ['K'],
    aws_secret: ['-s'],
  })
  t.strictSame(parsed.positionals, ['b', '/x', '-y'])
  t.end()
})
