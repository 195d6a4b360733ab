import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t, { type Test } from 'tap'

import type { Policy } from '../../dev/local-s3/policy.js'
import { createMultipartUpload } from '../../src/s3/multipart.js'
import { run, type Ran } from '../support/slurp.js'
import { TestNode } from '../support/node.js'
import type { Table } from '../support/table.js'

const DAY = 86_400_000
const MEBIBYTE = 2 ** 20

const DOCUMENT = readFileSync(fileURLToPath(new URL('../../../docs/permissions.md', import.meta.url)), 'utf8')

/** The policy below a heading of the document, for the bucket of the tests. */
function policyOf(heading: string): Policy {
  const [, json] = new RegExp(`^## ${heading}$[^]*?^\`\`\`json\n([^]*?)^\`\`\``, 'm').exec(DOCUMENT) ?? []
  if (json === undefined) throw new Error(`docs/permissions.md has no policy below "${heading}"`)
  return JSON.parse(json.replaceAll('arn:aws:s3:::backups', 'arn:aws:s3:::bucket')) as Policy
}

/** A node with a backup, and an account whose policy can be set. */
class Yard {
  private constructor(
    readonly node: TestNode,
    readonly table: Table,
    readonly clock: { shift: number },
    readonly limited: { policy: Policy },
  ) {}

  static async create(t: Test, policy: Policy): Promise<Yard> {
    const clock = { shift: 0 }
    const limited = { accessKeyId: 'limited', secretAccessKey: 'secret', policy }
    const credentials = [{ accessKeyId: 'testkey', secretAccessKey: 'testsecret' }, limited]
    const node = await TestNode.create(t, { credentials, now: () => Date.now() + clock.shift })
    const table = node.table().flush('nb-1-big')
    await node.backUp()
    for (const name of table.names('nb-1-big')) if (name.endsWith('Data.db')) table.delete('nb-1-big')
    table.flush('nb-2-big')
    await node.backUp()
    return new Yard(node, table, clock, limited)
  }

  /** Runs a command with the account whose policy is tried. */
  async run(command: Parameters<typeof run>[0], ...args: readonly string[]): Promise<Ran> {
    const { endpoint } = this.node.bucket.server
    const flags = ['-n', 'node1', '--endpoint-url', endpoint]
    const env = {
      AWS_ACCESS_KEY_ID: 'limited',
      AWS_SECRET_ACCESS_KEY: 'secret',
      TMPDIR: this.node.bucket.directory,
    }
    return run(command, [...flags, ...args], { env })
  }

  /** Begins an upload that nobody completes. */
  async leave(path: string): Promise<void> {
    await createMultipartUpload(this.node.bucket.client, this.node.key(path), {})
  }

  /** What was refused, but for HEAD of the bucket: a policy with a condition never allows it. */
  get refused(): string[] {
    const { requests } = this.node.bucket.server
    const refused = requests.filter(
      ({ error, operation }) => error === 'AccessDenied' && operation !== 'HeadBucket',
    )
    return [...new Set(refused.map(({ operation }) => operation))]
  }
}

/** What each account has to do; every action of its policy is needed in it. */
const WORK: Readonly<Record<string, (yard: Yard) => Promise<Ran[]>>> = {
  'The node': async yard => {
    const { node, table } = yard
    const set = `nb-${10 + Math.floor(Math.random() * 1e6)}-big`
    table.flush(set, { bytes: 12 * MEBIBYTE })
    table.replace('nb-2-big-Statistics.db', randomBytes(200))
    await yard.leave(join(table.path, `${set}-Data.db`))
    const flags = ['-r', '-B', '--settle', '100', '--max-upload-size', '5', '--multipart-chunk-size', '5']
    return [await yard.run('tablesnap', ...flags, '--retries', '0', 'bucket', node.data)]
  },
  tablechop: async yard => {
    yard.clock.shift = -10 * DAY
    await yard.leave(join(yard.table.path, 'nb-7-big-Data.db'))
    yard.clock.shift = 0
    const limits = ['--now', '--grace', '1s', '--force', '--max-delete-percent', '100', '--retries', '0']
    return [await yard.run('tablechop', '-r', ...limits, 'bucket', yard.node.data, '0')]
  },
  tablecheck: async yard => [
    await yard.run('tablecheck', '--deep', '--drill', '1', '--retries', '0', 'bucket'),
  ],
  Restore: async yard => {
    const target = join(yard.node.bucket.directory, `target${Math.random()}`)
    mkdirSync(target)
    return [
      await yard.run('tablesnap', '--list', '--retries', '0', 'bucket'),
      await yard.run('tablesnap', '-D', '--retries', '0', 'bucket', target),
    ]
  },
}

for (const [heading, work] of Object.entries(WORK)) {
  await t.test(`the policy of "${heading}" is enough, and each of its actions is needed`, async t => {
    const whole = policyOf(heading)
    const yard = await Yard.create(t, whole)
    yard.node.bucket.server.requests.length = 0
    for (const { code, log } of await work(yard)) t.equal(code, 0, log)
    t.same(yard.refused, [], 'nothing is refused')
    for (const action of new Set(whole.Statement.flatMap(({ Action }) => Action))) {
      const one = await Yard.create(t, {
        Statement: whole.Statement.map(statement => ({
          ...statement,
          Action: statement.Action.filter(other => other !== action),
        })),
      })
      one.node.bucket.server.requests.length = 0
      const codes = (await work(one)).map(({ code }) => code)
      t.not(one.refused.length, 0, `without ${action} something is refused`)
      t.comment(`without ${action}: ${one.refused.join(', ')}; exit code ${codes.join(', ')}`)
    }
  })
}
