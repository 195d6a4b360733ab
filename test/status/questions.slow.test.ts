import { readFileSync } from 'node:fs'

import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { splitArguments } from '../../src/config/arguments.js'
import { Cli } from '../support/cli.js'
import { TestNode, gate } from '../support/node.js'
import { WatchedStatus } from '../support/watched-status.js'

const DAY = 86_400_000

/** A row of the table in docs/operating.md: a question, the command that answers it, a line that the command prints, and its exit code. */
interface Row {
  readonly question: string
  readonly command: string
  readonly line: string
  readonly code: number
}

/** The rows of the table below the heading "Questions, one command each". */
function rows(): Row[] {
  const text = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8')
  const [, section = ''] = /\n## Questions, one command each\n([^]*?)\n## /.exec(text) ?? []
  const found = section.matchAll(/^\| (?!-|Question)([^|]+?) +\| `([^`]+)` +\| `([^`]+)` +\| (\d) +\|$/gm)
  return Array.from(found, ([, question = '', command = '', line = '', code = '']) => ({
    question,
    command,
    line,
    code: Number(code),
  }))
}

/** A line of the docs, whatever its figures, times and units are. */
function patternOf(line: string): RegExp {
  const escaped = line.trim().replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
  const loose = escaped
    .replace(/\d{4}-\d\d-\d\dT[\d:]+\\\.\d{3}Z/g, '<time>')
    .replace(/\d+(\\\.\d+)? (B|[KMG]iB)\b/g, '<size>')
    .replace(/\d+ (s|min|h|days)\b/g, '<span>')
    .replace(/(?<![\w.])\d+(\\\.\d+)?(?![\w.])/g, '[\\d.]+')
    .replace(/ {2,}/g, ' +')
    .replaceAll('backups', 'bucket')
    .replaceAll('<time>', '\\S+Z')
    .replaceAll('<size>', '[\\d.]+ \\w+')
    .replaceAll('<span>', '\\d+ (?:s|min|h|days)')
  return new RegExp(loose)
}

await t.test(
  'each question of an operator has one command, which says what docs/operating.md says',
  async t => {
    let shift = 3 * DAY
    const node = await TestNode.create(t, { now: () => Date.now() - shift })
    const table = node.table('ks/users-0a1b2c3d4e5f60718293a4b5c6d7e8f9').set('nb-1-big')
    t.equal((await node.backUp()).code, 0)
    shift = 0
    const held = gate()
    const rules = {
      on: 'PutObject',
      key: /nb-2-big/,
      count: Infinity,
      fault: faults.delay(held.opened),
    } as const
    const watched = await WatchedStatus.start(t, node)
    await watched.when(({ isProtected }) => isProtected)
    const ask = async ({ question, command, line, code }: Row): Promise<void> => {
      const here = command.replaceAll('backups', 'bucket').replaceAll('/var/lib/cassandra/data', node.data)
      const [program, ...args] = splitArguments(here, 'docs')
      t.equal(program, 'tablesnap')
      const { endpoint } = node.bucket.server
      const cli = new Cli(args, {
        env: {
          AWS_ACCESS_KEY_ID: 'testkey',
          AWS_SECRET_ACCESS_KEY: 'testsecret',
          AWS_ENDPOINT_URL: endpoint,
        },
      })
      t.equal(await cli.exit, code, `${question}\n${cli.stdout}${cli.stderr}`)
      t.match(cli.stdout + cli.stderr, patternOf(line), question)
    }
    const all = rows()
    t.ok(all.length >= 8, `${all.length} questions`)
    const isOfWaiting = ({ line }: Row): boolean => /not everything|not in the bucket|Not uploaded/.test(line)
    for (const row of all.filter(one => !isOfWaiting(one))) await ask(row)
    node.bucket.server.faults.add(rules)
    table.flush('nb-2-big')
    await watched.when(({ waiting }) => waiting.sstables === 1)
    for (const row of all.filter(isOfWaiting)) await ask(row)
    held.open()
  },
)
