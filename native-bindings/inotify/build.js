/**
 * The package's install script: keeps a shipped prebuild that loads on this machine, else compiles with node-gyp.
 * `npm_config_build_from_source=true` skips the prebuild. Exits 1 with a line on stderr when the compiler fails.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const folder = dirname(fileURLToPath(import.meta.url))
const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** The hash of all that the addon is made of, as dev/packaging/prebuilds.ts computes it. */
function sourcesHash() {
  const hash = createHash('sha256')
  const names = readdirSync(join(folder, 'src')).sort()
  for (const name of ['binding.gyp', ...names.map(name => `src/${name}`)])
    hash.update(`${name}\0`).update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}

/** Whether the prebuilds were made of these sources: in a checkout they may be older. */
function isCurrent() {
  const file = join(folder, 'prebuilds/sources.sha256')
  return existsSync(file) && readFileSync(file, 'utf8').trim() === sourcesHash()
}

function prebuildLoads() {
  if (process.env.npm_config_build_from_source === 'true' || !isCurrent()) return false
  process.env.PREBUILDS_ONLY = '1'
  try {
    require(require('node-gyp-build').resolve(folder))
    return true
  } catch {
    return false
  }
}

/** npm and pnpm name their node-gyp in the environment; a run by hand looks in the project, then beside the running node. */
function nodeGyp() {
  const besideNode = join(
    dirname(dirname(process.execPath)),
    'lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js',
  )
  const inProject = () => {
    try {
      return require.resolve('node-gyp/bin/node-gyp.js')
    } catch {
      return ''
    }
  }
  return [process.env.npm_config_node_gyp ?? '', inProject(), besideNode].find(file => existsSync(file))
}

/** @returns why it failed; undefined: it did not */
function compile() {
  const script = nodeGyp()
  const [command, first] = script === undefined ? ['node-gyp', []] : [process.execPath, [script]]
  const prefix = dirname(dirname(process.execPath))
  // node-gyp downloads headers when it is not told where they are
  const headersHere =
    process.env.npm_config_nodedir === undefined && existsSync(join(prefix, 'include/node/node_api.h'))
  const args = [...first, 'rebuild', ...(headersHere ? [`--nodedir=${prefix}`] : [])]
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' })
  const output = `${stdout ?? ''}${stderr ?? ''}`
  if (/^(verbose|silly|info)$/.test(process.env.npm_config_loglevel ?? '')) console.error(output)
  if (status === 0) return undefined
  const [reason] = /could not find any python.*|^\S+:\d+:\d+: (?:fatal )?error: .*/im.exec(output) ?? []
  const [, last] = /^gyp ERR! stack (?:Error: )?(.*)$/m.exec(output) ?? []
  return reason ?? last ?? error?.message ?? `node-gyp ended with exit code ${status}`
}

if (prebuildLoads()) {
  // The loader takes build/ before prebuilds/: an addon that an earlier version compiled must not win.
  rmSync(join(folder, 'build'), { recursive: true, force: true })
} else {
  const failure = compile()
  if (failure !== undefined) {
    console.error(
      `${name}: there is no prebuilt addon for this machine, and it cannot be compiled (${failure}): that needs a C compiler, make,` +
        ` Python 3 and the headers of Node ${process.version} (beside node under include/node, or a folder named by npm_config_nodedir)`,
    )
    process.exitCode = 1
  }
}
