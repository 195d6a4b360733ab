import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { helpTextOf } from '../../src/cli/own-command.js'
import { startSlurp, tableslurp } from '../../src/cli/slurp-options.js'
import { withoutSecrets } from '../../src/cli/secrets.js'

import { T1, run } from '../support/slurp.js'

const PLACE = { env: { TABLESNAP_CONF: '/dev/null' }, cwd: '/cwd', home: undefined }

function started(argv: readonly string[], env: Record<string, string> = {}) {
  const begun = startSlurp(argv, { ...PLACE, env: { ...PLACE.env, ...env } })
  if (begun.action !== 'run') throw new Error('it asks for a text')
  return begun
}

await t.test('--help and --version', async t => {
  const help = await run('tableslurp', ['--help'])
  t.equal(help.code, 0)
  t.match(help.stdout, /^Usage: tableslurp \[options\] <bucket> <origin> <target>\n/)
  const flags =
    '--help -h --version -V --aws-key -k --aws-secret -s --token --aws-token --aws-region --endpoint-url --path-style ' +
    '--no-path-style --preserve -p --owner -o --group -g --threads -t --file -f --recursive -r --commitlogs --force ' +
    '--name -n --name-from --prefix --keyname-separator --at --partial --replace --dry-run --memory --ca-bundle --retries --retry-time --request-timeout --log-level --quiet -q --verbose -v --log-format ' +
    '--all --list --limit --since --list-nodes --keyspace --table --map-path --map-table --progress --no-progress'
  const shown = helpTextOf(tableslurp)
    .match(/^ {2}(?: {4}(?:--token, )?|-\w, )--[\w-]+/gm)
    ?.flatMap(line => line.trim().split(', '))
  t.same(shown?.sort(), flags.split(' ').sort())
  for (const line of helpTextOf(tableslurp).split('\n')) t.ok(line.length <= 110, line)
  t.notMatch(help.stdout, /-D\b/)
  t.match(
    (await run('tableslurp', ['-V'])).stdout,
    /^\d+\.\d+\.\d+ \((commit [0-9a-f]{10}(-dirty)?, )?Node \d+\.\d+\.\d+\)\n$/,
  )
})

await t.test('wrong usage is one line, and the exit code tells', async t => {
  const cases: [string[], number, RegExp][] = [
    [[], 255, /^bucket, origin and target are missing$/],
    [['b'], 255, /origin and target are missing/],
    [['b', '/o'], 255, /the target is missing/],
    [['b', '/o', '/t', '/x'], 2, /more arguments than bucket, origin and target/],
    [['b', 'relative', '/t'], 2, /the origin \(the second argument\) is a directory of the node/],
    [['/o', 'b', '/t'], 2, /the first argument is a path; the bucket comes before/],
    [['-r', '-f', 'x', 'b', '/o', '/t'], 2, /-f\/--file and -r\/--recursive cannot be used together/],
    [['-r', '--commitlogs', '/c', 'b', '/o', '/t'], 2, /-r\/--recursive and --commitlogs cannot/],
    [['-f', 'x', '--at', '1795407153', 'b', '/o', '/t'], 2, /-f\/--file and --at cannot be used together/],
    [['--commitlogs', '/c', '--at', '1795407153', 'b', '/o', '/t'], 2, /--commitlogs and --at cannot/],
    [['--at', '23.11.2026', 'b', '/o', '/t'], 2, /--at: "23.11.2026" is not a time such as/],
    [['--commitlogs', 'c', 'b', '/o', '/t'], 2, /--commitlogs is a directory of the node/],
    [['-f', '/other/x', 'b', '/o', '/t'], 2, /--file: it is the name of a file in the origin/],
    [['-f', '', 'b', '/o', '/t'], 2, /--file: the value is empty/],
    [['--all', '--at', '2h', 'b', '/o', '/t'], 2, /--all and --at cannot be used together/],
    [['-f', 'x', '--all', 'b', '/o', '/t'], 2, /-f\/--file and --all cannot be used together/],
    [['--map-table', 'ks.t', 'b', '/o', '/t'], 2, /--map-table works only with -r/],
    [['--table', 'ks.t', 'b', '/o', '/t'], 2, /--table works only with -r/],
    [['-r', '--map-path', '/a', 'b', '/o', '/t'], 2, /--map-path: "\/a" is not OLD=NEW/],
    [['--list'], 255, /bucket, origin and target are missing/],
    [['-t', '0', 'b', '/o', '/t'], 2, /--threads: "0" is not a whole number/],
    [['-k', '-s', 'secret', 'b', '/o', '/t'], 2, /-k\/--aws-key needs a value before -s/],
    [['b', '/o', '/t', '-n'], 2, /--name needs a value. See tableslurp --help/],
    [['--ownr=x', 'b', '/o', '/t'], 2, /unknown flag --ownr; did you mean --owner\?/],
    [['--recursive=x', 'b', '/o', '/t'], 2, /--recursive takes no value/],
    [['--token', 't0ken', 'b', '/o', '/t'], 2, /--aws-token without -k\/--aws-key and -s\/--aws-secret/],
    [['-B', 'b', '/o', '/t'], 2, /unknown flag -B. See tableslurp --help/],
  ]
  for (const [args, exitCode, message] of cases) {
    t.throws(() => startSlurp(args, PLACE), { exitCode, message }, args.join(' '))
  }
  const [missing, unknown] = await Promise.all([run('tableslurp', []), run('tableslurp', ['-B'])])
  t.equal(missing.code, 255)
  t.match(missing.stdout, /^Usage: tableslurp/)
  t.equal(missing.log, 'tableslurp: bucket, origin and target are missing\n')
  t.equal(unknown.code, 2)
  t.equal(unknown.log, 'tableslurp: unknown flag -B. See tableslurp --help\n')
})

await t.test('settings come from the command line, the environment and the conf file', t => {
  const begun = started(['-pr', '--token', 'T', '-kK', '-sS', '--prefix', 'x/', 'b', `${T1}/`, 't'])
  t.match(begun.scope, { origin: T1, take: 'below' })
  t.match(begun.config, {
    mode: 'download',
    paths: ['/cwd/t'],
    prefix: 'x/',
    recursive: false,
    credentials: { accessKeyId: 'K', secretAccessKey: 'S', sessionToken: 'T' },
  })
  t.match(begun.ownership, { preserve: true })
  for (const file of ['nb-1-big-Data.db', `${T1}/nb-1-big-Data.db`, 'nb-1-big-Data.db-listdir.json']) {
    t.match(started(['-f', file, 'b', `${T1}//`, '/t']).scope, {
      origin: T1,
      take: { listing: 'nb-1-big-Data.db' },
    })
  }

  const path = join(t.testdir(), 'conf')
  const lines = [
    'all = yes',
    'backup = yes',
    'args = other /elsewhere',
    'name = file',
    'aws_region = eu-west-1',
    'watch = yes',
  ]
  writeFileSync(path, `[tablesnap]\n${lines.join('\n')}\n`)
  const { config, ownership } = started(['b', '/o', '/t'], { TABLESNAP_CONF: path, AWS_REGION: 'eu-north-1' })
  t.match(config, {
    mode: 'download',
    all: false,
    paths: ['/t'],
    name: 'file',
    s3: { bucket: 'b', region: 'eu-north-1' },
  })
  t.equal(ownership, undefined)
  t.throws(() => startSlurp([], { ...PLACE, env: { TABLESNAP_CONF: path } }), { code: 'ARGUMENTS_MISSING' })
  t.end()
})

await t.test('secrets are hidden', t => {
  for (const argv of [
    ['-s', 'hush'],
    ['-shush'],
    ['-prshush'],
    ['--aws-secret=hush'],
    ['--token', 'hush'],
    ['--aws-token=hush'],
  ]) {
    t.notMatch(withoutSecrets([...argv, 'b']).join(' '), 'hush')
  }
  t.notMatch(withoutSecrets(['-ds', 'hush', '--secret', 'hush', '--token=hush']).join(' '), 'hush')
  t.end()
})
