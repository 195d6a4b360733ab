import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import t, { type Test } from 'tap'

import { installed } from '../support/booted-system.js'
import { TestNode } from '../support/node.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Versions of the tools that look at the package. */
const PUBLINT = 'publint@0.3.25'
const TYPES_WRONG = '@arethetypeswrong/cli@0.18.5'

/** Loads both addons, and shows that they work: two checksums of the CRC catalogue, and an event. */
const USE_ADDONS = `
const io = await import('tablesnap-io'), { InotifyBatch, constants } = await import('inotify')
const { mkdtempSync, writeFileSync, rmSync } = await import('node:fs')
const digits = Buffer.from('123456789')
const folder = mkdtempSync('/tmp/addons-')
const batch = new InotifyBatch({ event(watch, mask, cookie, name) {
  console.log(process.arch, io.crc64nvme(digits).toString(16), io.crc32c(digits).toString(16), name)
  batch.close()
  rmSync(folder, { recursive: true })
} })
batch.add(folder, constants.IN_CREATE)
writeFileSync(folder + '/seen', '')
`

/** Functions of musl 1.2.3 to 1.2.5: with an older one an addon that needs them does not load. */
const NEWER_MUSL = /\b(?:qsort_r|pthread_getname_np|statx|preadv2|pwritev2)$/m

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'package-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let tarball = ''

/** The npm package of this checkout, made once. */
async function npmPackage(): Promise<string> {
  if (tarball !== '') return tarball
  const target = join(ROOT, 'dist/npm-package')
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const [{ makePrebuilds }, { makeNpmPackage }] = await Promise.all([
    import('../../dev/packaging/prebuilds.js'),
    import('../../dev/packaging/npm-package.js'),
  ])
  makePrebuilds(ROOT)
  return (tarball = makeNpmPackage(ROOT, target))
}

/** A PATH with Node and npm, and without a compiler, make or Python. */
function barePath(folder: string): string {
  const path = join(folder, 'bin')
  mkdirSync(path)
  for (const name of ['node', 'npm', 'npx', 'sh', 'env', 'uname'])
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
      join(path, name),
    )
  return path
}

/** What tap puts into the environment would reach the programs under test. */
function cleanEnvironment(path?: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...(path === undefined ? {} : { PATH: path }) }
  delete env['NODE_OPTIONS']
  return env
}

async function install(folder: string, path: string, ...flags: readonly string[]): Promise<string> {
  const prefix = mkdtempSync(join(folder, 'prefix-'))
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['install', '--global', '--prefix', prefix, '--prefer-offline', ...flags, await npmPackage()],
    { env: cleanEnvironment(path), encoding: 'utf8', cwd: folder },
  )
  if (status !== 0) throw new Error(`npm install: ${stdout}${stderr}`)
  return prefix
}

/** Runs a script as a file of the package, so that it finds the packages inside. */
function within(home: string, script: string, ...node: readonly string[]): string {
  writeFileSync(join(home, 'try.mjs'), script)
  const [command = process.execPath, ...args] = node
  const { stdout, stderr } = spawnSync(command, [...args, join(home, 'try.mjs')], {
    env: cleanEnvironment(),
    encoding: 'utf8',
  })
  return stdout + stderr
}

await t.test('publint and arethetypeswrong find no fault in the npm package', async t => {
  const look = (tool: string, ...command: readonly string[]) =>
    spawnSync('npm', ['exec', '--yes', `--package=${tool}`, '--', ...command], {
      env: cleanEnvironment(),
      encoding: 'utf8',
      cwd: folderOf(t),
    })
  const linted = look(PUBLINT, 'publint', '--strict', await npmPackage())
  t.equal(linted.status, 0, 'publint', { output: linted.stdout + linted.stderr })
  t.match(linted.stdout, /All good/)
  // The package is for ESM; `require` of it works since Node 20.19.
  const typed = look(TYPES_WRONG, 'attw', '--profile', 'esm-only', await npmPackage())
  t.equal(typed.status, 0, 'arethetypeswrong', { output: typed.stdout + typed.stderr })
})

await t.test('the addons for musl need no function that is newer than musl 1.2.2', async t => {
  await npmPackage()
  for (const arch of ['x64', 'arm64'])
    for (const addon of ['io/prebuilds/linux-%/tablesnap_io', 'inotify/prebuilds/linux-%/inotify']) {
      const file = join(ROOT, 'native-bindings', `${addon.replace('%', arch)}.musl.node`)
      const symbols = execFileSync('nm', ['-D', '--undefined-only', file], { encoding: 'utf8' })
      t.match(symbols, /napi_create_function/, file)
      t.notMatch(symbols, NEWER_MUSL, file)
    }
})

await t.test('a global installation needs no compiler, and backs up', async t => {
  const folder = folderOf(t)
  const path = barePath(folder)
  const prefix = await install(folder, path)
  const home = join(prefix, 'lib/node_modules/tablesnap')
  t.notOk(readdirSync(join(home, 'node_modules/inotify')).includes('build'), 'nothing was compiled')
  const node = await TestNode.create(t)
  node.table().set('nb-1-big')
  // The server is in this process: it must not be blocked.
  const run = promisify(execFile)(join(prefix, 'bin/tablesnap'), node.args(['-r', '-B']), {
    env: { PATH: path, HOME: folder },
  })
  await t.resolves(run)
  t.equal((await node.bucket.list('node1:')).filter(({ key }) => key.endsWith('Data.db')).length, 1)
  for (const name of ['tablesnap', 'tableslurp', 'tablechop', 'tablecheck'])
    t.match(
      execFileSync(join(prefix, 'bin', name), ['--version'], { env: { PATH: path } }).toString(),
      /\d+\.\d+\.\d+/,
    )
})

await t.test('--ignore-scripts leaves working addons; without them one line says what to do', async t => {
  const folder = folderOf(t)
  const home = join(await install(folder, barePath(folder), '--ignore-scripts'), 'lib/node_modules/tablesnap')
  t.match(within(home, USE_ADDONS), /ae8b14860a799888 e3069283 seen/)
  rmSync(join(home, 'node_modules/inotify/prebuilds'), { recursive: true })
  t.match(
    within(home, `await import('inotify').catch(error => console.log(error.message))`),
    /^inotify: there is no compiled file for linux-\w+ and Node v[\d.]+; to build it run: node \S+build\.js\n$/,
  )
})

await t.test(
  'where there is neither a prebuilt addon nor a compiler, the installation says so in one line',
  async t => {
    const folder = folderOf(t)
    const path = barePath(folder)
    const home = join(await install(folder, path, '--ignore-scripts'), 'lib/node_modules/tablesnap')
    rmSync(join(home, 'node_modules/inotify/prebuilds'), { recursive: true })
    const { status, stdout, stderr } = spawnSync('node', [join(home, 'node_modules/inotify/build.js')], {
      env: cleanEnvironment(path),
      encoding: 'utf8',
    })
    t.equal(status, 1)
    t.equal(stdout, '')
    t.match(
      stderr,
      /^inotify: there is no prebuilt addon for this machine, and it cannot be compiled \(.*\n$/,
    )
  },
)

await t.test('pnpm installs the package, and the addons work', async t => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'package.json'), '{}')
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['exec', '--yes', '--package=pnpm@10', '--', 'pnpm', 'add', '--ignore-scripts', await npmPackage()],
    { env: cleanEnvironment(), encoding: 'utf8', cwd: folder },
  )
  t.equal(status, 0, 'pnpm add', { output: stdout + stderr })
  const home = join(folder, 'node_modules/tablesnap')
  t.match(within(home, USE_ADDONS), /ae8b14860a799888 e3069283 seen/)
})

await t.test('the addons work on arm64 (below qemu)', async t => {
  const folder = folderOf(t)
  const home = join(await install(folder, barePath(folder), '--ignore-scripts'), 'lib/node_modules/tablesnap')
  const { nodeFolder } = await import('../../dev/packaging/node-binary.js')
  const { cacheFolder } = await import('../../dev/packaging/tools.js')
  const arm64 = installed('arm64-1')
  const node = join(nodeFolder(join(cacheFolder(), 'node-binaries'), 'arm64'), 'bin/node')
  const qemu = [join(arm64, 'usr/bin/qemu-aarch64-static'), '-L', join(arm64, 'root'), node]
  t.match(within(home, USE_ADDONS, ...qemu), /^arm64 ae8b14860a799888 e3069283 seen$/m)
  const node1 = await TestNode.create(t)
  const table = node1.table()
  table.set('nb-1-big')
  const [command = '', ...args] = [...qemu, join(home, 'dist/bin/tablesnap.js'), ...node1.args(['-r', '-B'])]
  await t.resolves(promisify(execFile)(command, args, { env: cleanEnvironment() }))
  await node1.listed(table.path, table.names())
})
