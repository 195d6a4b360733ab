import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { openBucket } from '../support/bucket.js'
import { Cli } from '../support/cli.js'
import {
  COMMANDS,
  commandsOf,
  documents,
  examplesOf,
  type ShownCommand,
} from '../support/document-commands.js'
import { DocumentShell } from '../support/document-shell.js'
import { TestNode } from '../support/node.js'
import { Table } from '../support/table.js'

/** The table that the documents call t-5a1c…. */
const TABLE = 't-5a1c395e5e8811ef9a0d6b7c8d9e0f1a'

/** Commands that are not run here, and where they are, or why they are not. */
const ELSEWHERE: readonly (readonly [command: RegExp, why: string])[] = [
  [/^(?:sudo )?(?:apt|npm) /, 'builds or installs: CI, and the tests of the packages'],
  [/ node dist\/test\//, 'a test of its own'],
  [/^export .*…/, 'has a placeholder for a secret'],
]

/** Documents whose commands another test runs. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/runbook.md': 'test/docs/runbook.long.test.ts',
}

await t.test('every command in README.md, docs/*.md and the examples of --help works', async t => {
  const node = await TestNode.create(t)
  const { directory, server } = node.bucket
  const shell = new DocumentShell(join(directory, 'shell'), {
    AWS_ACCESS_KEY_ID: 'testkey',
    AWS_SECRET_ACCESS_KEY: 'testsecret',
    AWS_ENDPOINT_URL: server.endpoint,
  })
  const data = join(directory, 'var/lib/cassandra/data')
  mkdirSync(join(directory, 'metrics'))
  const inAMinute = (): string => new Date(Date.now() + 60_000).toISOString()
  shell.replaced.push(
    ['/var/lib/cassandra/data', data],
    [/\bt-5a1c[0-9a-f]*/g, TABLE],
    ['/var/lib/node_exporter', join(directory, 'metrics')],
    [/ \/restore\b/g, () => ` ${mkdtempSync(join(directory, 'restore-'))}`],
    [/'2026-\d\d-\d\d \d\d:\d\d(?::\d\d)?'/g, inAMinute],
    ['http://127.0.0.1:9000', server.endpoint],
    ['127.0.0.1:9109', '127.0.0.1:0'],
  )
  const table = new Table(join(data, 'ks', TABLE))
  for (let n = 1; n <= 4; n++) table.flush(`nb-${n}-big`)
  const { flags } = openBucket(server.endpoint, 'backups', directory)
  const shown: ShownCommand[] = [
    ...documents()
      .filter(path => TESTED_ELSEWHERE[path] === undefined)
      .flatMap(commandsOf),
    ...COMMANDS.flatMap(examplesOf),
  ]
  t.ok(shown.length > 30, `${shown.length} commands`)
  const isStatus = ({ command }: ShownCommand): boolean => command.includes(' --status')
  const used = new Set<RegExp>()
  const run = async ({ place, command, exitCode }: ShownCommand): Promise<void> => {
    const elsewhere = ELSEWHERE.find(([pattern]) => pattern.test(command))
    if (elsewhere !== undefined) {
      used.add(elsewhere[0])
      return
    }
    const { code, output } = await shell.type(command)
    t.equal(code, exitCode, `${place}: ${command}\n${code === exitCode ? '' : output}`)
  }
  for (const one of shown) if (!isStatus(one)) await run(one)
  const daemon = new Cli([...flags, '--settle', '100', '-r', '-a', '-B', '--watch', 'backups', data], {
    env: { RUNTIME_DIRECTORY: join(directory, 'shell') },
  })
  t.teardown(async () => {
    daemon.kill('SIGKILL')
    await daemon.exit
  })
  await daemon.seen(/Everything below .* is backed up/)
  for (const one of shown) if (isStatus(one)) await run(one)
  t.same(
    ELSEWHERE.filter(([pattern]) => !used.has(pattern)).map(([, why]) => why),
    [],
    'every exception is of use',
  )
})
