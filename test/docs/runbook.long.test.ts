import { createServer } from 'node:http'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import cassandraDriver from 'cassandra-driver'
import t, { type Test } from 'tap'

import { LocalS3 } from '../../dev/local-s3/index.js'
import { openBucket } from '../support/bucket.js'
import { Cli } from '../support/cli.js'
import { commandsOf, type ShownCommand } from '../support/document-commands.js'
import { DocumentShell } from '../support/document-shell.js'
import { until } from '../support/node.js'
import { Cassandra } from '../support/real/cassandra.js'
import { bucketOf, gateway, temporaryDirectory } from '../support/real/place.js'
import { Table } from '../support/table.js'

const ALL = commandsOf('docs/runbook.md')
const TIME = /'2026-11-23 14:00:00'/g
const ROWS = 100

/** The commands of a section. */
function section(heading: string): ShownCommand[] {
  return ALL.filter(one => one.heading === heading)
}

/** A line without what differs from one run to the next: numbers, sizes, times, ids, and spaces that align. */
function normal(line: string): string {
  return line
    .replace(/\/\S*\/cassandra\/data|\/var\/lib\/cassandra\/data/g, 'DATA')
    .replace(/(?:\/\S*)?\/restore\d?\b/g, 'TARGET')
    .replace(/[0-9a-f]{32}/g, '#')
    .replace(/\d+(?:\.\d+)?(?: (?:[KMG]iB|B|s|min|ms)\b(?:\/s)?)?/g, '#')
    .replace(/#[-\w:.#+,]*/g, '#')
    .replace(/-[-#\w]*#[-#\w]*/g, '#')
    .replace(/[-\s]+/g, ' ')
    .trim()
}

/** Types the commands of a section, and compares codes and output with the document. */
async function follow(t: Test, shell: DocumentShell, commands: readonly ShownCommand[]): Promise<void> {
  t.ok(commands.length > 0)
  for (const { command, exitCode, output: shown } of commands) {
    const { code, output } = await shell.type(command)
    t.comment(`$ ${command}\n${output}`)
    t.equal(code, exitCode, `${command}: exit code ${exitCode}${code === exitCode ? '' : `\n${output}`}`)
    const lines = output.split('\n').map(normal)
    for (const line of shown.split('\n')) {
      const wanted = normal(line.replace(/…$/, ''))
      const isPart = line.endsWith('…')
      t.ok(
        lines.some(printed => (isPart ? printed.startsWith(wanted) : printed === wanted)),
        `${command} prints: ${line}`,
      )
    }
  }
}

/** A daemon beside the commands. */
async function daemonOf(
  t: Test,
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ stop: () => Promise<void>; log: () => string }> {
  const cli = new Cli(['-n', 'node1', '-r', '-a', '-B', '--watch', ...args], { env })
  const stop = async (): Promise<void> => {
    cli.kill('SIGTERM')
    await cli.exit
  }
  t.teardown(async () => {
    cli.kill('SIGKILL')
    await cli.exit
  })
  await cli.seen(/Everything below .* is backed up/, 120_000)
  return { stop, log: () => cli.stderr }
}

await t.test('the runbook helps a real Cassandra', { timeout: 1_500_000 }, async t => {
  const server = await gateway(t)
  const directory = temporaryDirectory(t)
  const home = join(directory, 'cassandra')
  const node = await Cassandra.create({ home, version: '5.0.9', format: undefined })
  t.teardown(() => node.kill())
  await node.start()
  const cql = async (query: string): Promise<string> => {
    const { address, port } = node.contact
    for (let attempt = 1; ; attempt++) {
      const client = new cassandraDriver.Client({
        contactPoints: [address],
        protocolOptions: { port },
        localDataCenter: 'datacenter1',
        socketOptions: { readTimeout: 60_000 },
      })
      try {
        await client.connect()
      } catch (error) {
        await client.shutdown()
        if (attempt === 20) throw error
        await sleep(1_000)
        continue
      }
      const { rows } = await client.execute(query).finally(() => client.shutdown())
      // One without rows has none of them.
      return ((rows as unknown[] | undefined) ?? [])
        .map(row => `${Object.values(row as object).join(' | ')}\n`)
        .join('')
    }
  }
  // What nodetool, cqlsh and systemctl of a machine do, the test does for this node.
  const machine = createServer((request, response) => {
    void (async () => {
      const args = JSON.parse(await text(request)) as string[]
      if (request.url === '/nodetool') return node.nodetool(...args)
      if (request.url === '/cqlsh') return cql(args[1] ?? '')
      await (args[0] === 'stop' ? node.stop() : node.start())
      return ''
    })().then(
      said => response.end(said),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>(resolve => machine.listen(0, '127.0.0.1', resolve))
  t.teardown(() => machine.close())
  const { port } = machine.address() as AddressInfo
  const env = {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_ENDPOINT_URL: server.endpoint,
  }
  const shell = new DocumentShell(join(directory, 'shell'), env)
  const ask = `fetch("http://127.0.0.1:${port}/"+process.argv[1],{method:"POST",body:JSON.stringify(process.argv.slice(2))}).then(async r=>{process.stdout.write(await r.text());process.exitCode=r.ok?0:1})`
  for (const command of ['nodetool', 'cqlsh', 'systemctl'])
    shell.install(command, `exec ${process.execPath} -e '${ask}' -- ${command} "$@"`)
  shell.install('sudo', 'exec "$@"')
  let moment = ''
  shell.replaced.push(['/var/lib/cassandra/data', node.dataDirectory], [TIME, () => moment])
  const daemonArgs = ['--settle', '500', 'backups', node.dataDirectory]
  const daemonEnv = { ...env, RUNTIME_DIRECTORY: join(directory, 'shell') }
  const bucket = bucketOf(server, 'backups')

  await cql("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await cql('CREATE TABLE ks.t (id int PRIMARY KEY, v text)')
  for (let id = 0; id < ROWS; id++) await cql(`INSERT INTO ks.t (id, v) VALUES (${id}, 'row ${id}')`)
  await node.nodetool('flush')
  const count = async (): Promise<string> => (await cql('SELECT count(*) FROM ks.t')).trim()

  /** Lets the newest restore points be written; later ones are later than this moment. */
  const rest = async (): Promise<void> => {
    await node.nodetool('flush')
    await until(async () => (await shell.type('tablesnap --status')).code === 0, 120_000)
    await sleep(2_000)
    moment = new Date().toISOString()
    await sleep(2_000)
  }

  await t.test('The node is lost', async t => {
    const daemon = await daemonOf(t, daemonArgs, daemonEnv)
    await rest()
    await daemon.stop()
    await node.kill()
    for (const name of readdirSync(home))
      if (!['conf', 'logs', 'tmp'].includes(name)) rmSync(join(home, name), { recursive: true })
    mkdirSync(node.dataDirectory)
    const key = [...(await bucket.list('.tablesnap/node1/node.json')).keys()][0] ?? ''
    const record = JSON.parse((await bucket.get(key)).toString()) as object
    await bucket.put(
      key,
      Buffer.from(JSON.stringify({ ...record, writer: 'another machine', host: 'old-node1' })),
    )
    await follow(t, shell, section('The node is lost'))
    t.equal(await count(), String(ROWS))
  })

  const daemon = await daemonOf(t, daemonArgs, daemonEnv)
  await t.test('A table was dropped', async t => {
    await rest()
    await cql('DROP TABLE ks.t')
    await follow(t, shell, section('A table was dropped'))
    t.equal(await count(), String(ROWS))
  })

  await t.test('A DELETE was wrong', async t => {
    await rest()
    for (let id = 0; id < 60; id++) await cql(`DELETE FROM ks.t WHERE id = ${id}`)
    await node.nodetool('flush')
    t.equal(await count(), String(ROWS - 60))
    await until(async () => (await shell.type('tablesnap --status')).code === 0, 120_000)
    await follow(t, shell, section('A DELETE was wrong'))
    t.equal(await count(), String(ROWS))
  })

  await t.test('The bucket is damaged', async t => {
    await rest()
    const live = readdirSync(node.dataDirectory + '/ks').flatMap(table =>
      readdirSync(join(node.dataDirectory, 'ks', table))
        .filter(name => name.endsWith('-Data.db'))
        .map(name => join(node.dataDirectory, 'ks', table, name)),
    )
    await bucket.delete(`node1:${live[0]}`)
    await follow(t, shell, section('The bucket is damaged'))
  })
  await daemon.stop()
  // --replace moved SSTables to the top of the file system.
  for (const name of readdirSync('/'))
    if (/^\.tablesnap-replaced-/.test(name) && existsSync(join('/', name, directory)))
      rmSync(join('/', name), { recursive: true })
})

await t.test('the runbook helps where Cassandra takes no part', { timeout: 600_000 }, async t => {
  const directory = temporaryDirectory(t)
  const credential = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }
  const clock = { shift: 0 }
  const options = {
    directory: join(directory, 's3'),
    credentials: [credential],
    now: () => Date.now() + clock.shift,
  }
  let server = await LocalS3.start(options)
  t.teardown(() => server.close())
  const env = { AWS_ENDPOINT_URL: server.endpoint, KEY: 'testkey', SECRET: 'rotated' }
  const shell = new DocumentShell(join(directory, 'shell'), env)
  const aws = join(directory, 'shell/home/.aws')
  mkdirSync(aws)
  const keys = (secret: string): void =>
    writeFileSync(
      join(aws, 'credentials'),
      `[default]\naws_access_key_id = testkey\naws_secret_access_key = ${secret}\n`,
    )
  keys('testsecret')
  const data = join(directory, 'var/lib/cassandra/data')
  for (const name of ['restore', 'restore2', 'restore3']) mkdirSync(join(directory, name))
  shell.replaced.push(['/var/lib/cassandra/data', data], [/ (\/restore\d?)\b/g, ` ${directory}$1`])
  const table = new Table(join(data, 'ks/t-5a1c395e5e8811ef9a0d6b7c8d9e0f1a'))
  for (let n = 1; n <= 4; n++) table.flush(`nb-${n}-big`, { bytes: 100_000 })
  const bucket = openBucket(server.endpoint, 'backups', directory)
  t.teardown(() => bucket.client.close())
  const daemonEnv = {
    ...env,
    RUNTIME_DIRECTORY: join(directory, 'shell'),
    HOME: join(directory, 'shell/home'),
  }
  const daemon = await daemonOf(t, ['--settle', '100', 'backups', data], daemonEnv)
  const status = async (wanted: number): Promise<void> => {
    await until(async () => (await shell.type('tablesnap --status')).code === wanted, 90_000)
  }
  await status(0)

  await t.test('The credentials were rotated', async t => {
    credential.secretAccessKey = 'rotated'
    table.flush('nb-5-big')
    await status(1)
    await sleep(5_000)
    const commands = section('The credentials were rotated')
    await follow(t, shell, commands.slice(0, 2))
    await status(0)
    await follow(t, shell, commands.slice(2))
  })

  await t.test('S3 is down', async t => {
    const { port } = server
    await server.close()
    table.flush('nb-6-big')
    await sleep(8_000)
    const commands = section('S3 is down')
    await follow(t, shell, commands.slice(0, 1))
    server = await LocalS3.start({ ...options, port })
    await status(0)
    t.match(daemon.log(), /The server answers again/)
    await follow(t, shell, commands.slice(1))
  })
  await daemon.stop()

  await t.test('A disk is full', async t => {
    const full = join(directory, 'restore')
    shell.wrapper = `unshare -rm sh -c 'mount -t tmpfs -o size=64k none ${full} || exit 77; exec sh -c "$0"'`
    const commands = section('A disk is full')
    if ((await shell.type('true')).code === 77) t.comment('cannot mount here')
    else await follow(t, shell, commands.slice(0, 1))
    shell.wrapper = undefined
    await follow(t, shell, commands.slice(1))
  })

  await t.test('The clock is wrong', async t => {
    const file = join(directory, 'clock')
    writeFileSync(file, String(40 * 60_000))
    shell.env['WRONG_CLOCK'] = file
    shell.env['NODE_OPTIONS'] =
      `--import ${fileURLToPath(new URL('../support/wrong-clock.js', import.meta.url))}`
    await follow(t, shell, section('The clock is wrong'))
    delete shell.env['NODE_OPTIONS']
  })

  await t.test('Two writers', async t => {
    credential.secretAccessKey = 'testsecret'
    keys('testsecret')
    const key = '.tablesnap/node1/node.json'
    const record = JSON.parse((await bucket.get(key)).body.toString()) as object
    await bucket.put(key, JSON.stringify({ ...record, writer: 'another machine', host: 'db-7' }))
    await follow(t, shell, section('Two writers'))
  })

  await t.test('A restore is too slow', async t => {
    await follow(t, shell, section('A restore is too slow'))
  })
})

t.same(
  [...new Set(ALL.map(({ heading }) => heading))].length,
  10,
  'the runbook has ten sections with commands',
)
