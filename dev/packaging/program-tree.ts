import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { build } from 'esbuild'

import type { Architecture } from './node-binary.js'
import { ADDONS } from './prebuilds.js'

/** Node 24 lets the garbage of the last moments grow to 128 MiB; the main thread gets on with 8. In MiB, of each half. */
const YOUNG = '--max-semi-space-size=4'

/** Where the program lies on a node. */
export const PROGRAM = 'usr/lib/tablesnap'

/** What is exported of packages of which the program needs little: a hundredth of the AWS SDK. */
const EXPORTS: Readonly<Record<string, string>> = {
  '@aws-sdk/credential-providers': "export { fromNodeProviderChain } from '@aws-sdk/credential-providers'",
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly bundleDependencies: readonly string[]
  /** `Name <address>` of whoever answers for the packages. */
  readonly author?: string
  readonly homepage?: string
}

/** The package.json of the repository. */
export function manifestOf(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}

/** Puts the program below `tree`: the bundle, the Node that runs it, the addons, and a link in /usr/bin for each command. */
export async function placeProgram(
  root: string,
  tree: string,
  arch: Architecture,
  nodeFolder: string,
): Promise<void> {
  const home = join(tree, PROGRAM)
  mkdirSync(join(home, 'bin'), { recursive: true })
  copyFileSync(join(nodeFolder, 'bin/node'), join(home, 'bin/node'))
  chmodSync(join(home, 'bin/node'), 0o755)
  copyFileSync(join(nodeFolder, 'LICENSE'), join(home, 'bin/LICENSE.node'))
  placeBundle(root, tree)
  for (const name of ADDONS) placeAddon(join(root, 'native-bindings', name), home, arch)
  placePackage(join(root, 'node_modules/node-gyp-build'), home, name => /\.js$|^package\.json$/.test(name))
  for (const name of lazyPackages(root)) await placeLazy(root, home, name)
}

function placeBundle(root: string, tree: string): void {
  const { name, version, bin } = manifestOf(root)
  const home = join(tree, PROGRAM)
  cpSync(join(root, 'dist/bin'), join(home, 'dist/bin'), { recursive: true })
  // The program finds itself by its name.
  writeJson(join(home, 'package.json'), {
    name,
    version,
    type: 'module',
    exports: { './package.json': './package.json' },
  })
  mkdirSync(join(tree, 'usr/bin'), { recursive: true })
  for (const [command, file] of Object.entries(bin)) {
    const path = join(home, file)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace(/^#!.*/, `#!/${PROGRAM}/bin/node ${YOUNG}`))
    chmodSync(path, 0o755)
    symlinkSync(join('../lib', basename(PROGRAM), file), join(tree, 'usr/bin', command))
  }
}

function placeAddon(folder: string, home: string, arch: Architecture): void {
  const prebuild = join('prebuilds', `linux-${arch}`)
  placePackage(folder, home, name => /^(index\.js|package\.json|lib)$/.test(name))
  const place = join(home, 'node_modules', manifestOf(folder).name, prebuild)
  mkdirSync(place, { recursive: true })
  for (const name of readdirSync(join(folder, prebuild)).filter(name => name.endsWith('.glibc.node'))) {
    copyFileSync(join(folder, prebuild, name), join(place, name))
    chmodSync(join(place, name), 0o644)
  }
}

function placePackage(folder: string, home: string, isNeeded: (name: string) => boolean): void {
  const place = join(home, 'node_modules', manifestOf(folder).name)
  mkdirSync(place, { recursive: true })
  for (const name of readdirSync(folder).filter(isNeeded))
    cpSync(join(folder, name), join(place, name), { recursive: true })
}

/** The packages that the bundle loads only when it needs them; see the calls of `require` and `import` in src/. */
function lazyPackages(root: string): string[] {
  const { dependencies, bundleDependencies } = manifestOf(root)
  const folder = join(root, 'dist/bin')
  const bundle = readdirSync(folder)
    .filter(name => name.endsWith('.js'))
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
  return Object.keys(dependencies).filter(
    name =>
      !bundleDependencies.includes(name) && new RegExp(`\\b(require|import)\\d*\\("${name}"\\)`).test(bundle),
  )
}

/** Puts a package, with all that it needs, into one file. */
async function placeLazy(root: string, home: string, name: string): Promise<void> {
  const place = join(home, 'node_modules', name)
  const { version } = manifestOf(join(root, 'node_modules', name))
  await build({
    stdin: { contents: EXPORTS[name] ?? `module.exports = require('${name}')`, resolveDir: root },
    absWorkingDir: root,
    outfile: join(place, 'index.cjs'),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'warning',
  })
  writeJson(join(place, 'package.json'), { name, version, main: './index.cjs' })
}

function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}
