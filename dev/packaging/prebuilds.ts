import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { zigCommand } from './tools.js'

/** A platform that the addons are compiled for; `libc` as node-gyp-build names it. */
interface Target {
  readonly arch: 'x64' | 'arm64'
  readonly libc: 'glibc' | 'musl'
  readonly zig: string
}

/** glibc 2.28 is the oldest one that Node's own binaries run on. */
const TARGETS: readonly Target[] = [
  { arch: 'x64', libc: 'glibc', zig: 'x86_64-linux-gnu.2.28' },
  { arch: 'x64', libc: 'musl', zig: 'x86_64-linux-musl' },
  { arch: 'arm64', libc: 'glibc', zig: 'aarch64-linux-gnu.2.28' },
  { arch: 'arm64', libc: 'musl', zig: 'aarch64-linux-musl' },
]

/** The packages with an addon. */
export const ADDONS: readonly string[] = ['inotify', 'io']

/** The parts of a binding.gyp that matter to a compiler. */
interface Gyp {
  readonly targets: readonly {
    readonly target_name: string
    readonly sources: readonly string[]
    readonly defines: readonly string[]
    readonly cflags_c: readonly string[]
  }[]
}

/**
 * Compiles the addon of a package for all targets into `prebuilds/linux-<arch>/<name>.<libc>.node`, where node-gyp-build looks for
 * it. The same sources give the same bytes on any machine.
 * @param folder of the package
 * @param headers the folder with node_api.h and uv.h
 * @throws Error when zig or the headers are missing, or a source does not compile
 */
function compileFor(folder: string, headers: string): void {
  const [target] = (JSON.parse(readFileSync(join(folder, 'binding.gyp'), 'utf8')) as Gyp).targets
  if (target === undefined) throw new Error(`${folder}/binding.gyp has no target`)
  const place = join(folder, 'prebuilds')
  rmSync(place, { recursive: true, force: true })
  const [zig = '', ...first] = zigCommand()
  for (const { arch, libc, zig: triple } of TARGETS) {
    const file = join('prebuilds', `linux-${arch}`, `${target.target_name}.${libc}.node`)
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    // In the package's own folder, so that no path of this machine comes into the file.
    execFileSync(
      zig,
      [
        ...first,
        'cc',
        '-target',
        triple,
        '-shared',
        '-fPIC',
        '-O2',
        '-s',
        '-fno-sanitize=undefined',
        ...target.cflags_c,
        ...target.defines.map(define => `-D${define}`),
        '-isystem',
        headers,
        '-o',
        file,
        ...target.sources,
      ],
      { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] },
    )
  }
  // build.js compares it: a prebuild of other sources is not used.
  writeFileSync(join(place, 'sources.sha256'), `${sourcesHash(folder)}\n`)
}

/** The hash of all that an addon is made of, as native-bindings/*\/build.js computes it. */
function sourcesHash(folder: string): string {
  const hash = createHash('sha256')
  const names = readdirSync(join(folder, 'src')).sort()
  for (const name of ['binding.gyp', ...names.map(name => `src/${name}`)])
    hash.update(`${name}\0`).update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}

/** The headers beside the running Node; uv.h is among them. */
function headersFolder(): string {
  const prefixes = [process.env['npm_config_nodedir'], dirname(dirname(process.execPath))]
  const folder = prefixes
    .filter(prefix => prefix !== undefined)
    .map(prefix => join(prefix, 'include/node'))
    .find(path => existsSync(join(path, 'node_api.h')))
  if (folder === undefined)
    throw new Error('the headers of Node are missing: name their folder by npm_config_nodedir')
  return folder
}

/** Compiles all addons for all targets. @param root of the repository @returns the files that were made */
export function makePrebuilds(root: string): string[] {
  const headers = headersFolder()
  const folders = ADDONS.map(name => join(root, 'native-bindings', name))
  for (const folder of folders) compileFor(folder, headers)
  return folders.flatMap(folder =>
    readdirSync(join(folder, 'prebuilds'), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.node'))
      .map(name => join(folder, 'prebuilds', name)),
  )
}
